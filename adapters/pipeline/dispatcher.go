package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/confuse/data-connector/domain"
)

const (
	// defaultParallel is how many batches are asked for at once.
	defaultParallel = 8
	// grace is what a neighbour may still take for its answer when the dispatcher
	// stops.
	grace = 8 * time.Second
	// panics is how often a handler that panics is tried again.
	panics = 3
)

// A Feed is where a dispatcher gets its messages from.
type Feed struct {
	Topic      string
	Subscriber message.Subscriber // of one consumer group, which is the stage's own
}

// Contents is the reading half of domain.Packs.
type Contents interface {
	Open(ctx context.Context, c domain.ClaimCheck) (io.ReadCloser, error)
}

// States tells what a stage has done with a file: the last state that it reported
// of; false: none.
type States func(ctx context.Context, stage string, file domain.FileID) (domain.Revised, bool, error)

// Sources finds a source, of whatever owner.
type Sources func(ctx context.Context, id domain.SourceID) (domain.Source, error)

// A Dispatcher feeds one stage. All fields down to Log are required.
type Dispatcher struct {
	Stage     Stage
	Live      Feed              // what is new
	Again     Feed              // what is handed on again; zero: nothing is
	Dead      message.Publisher // of dead letters
	DeadTopic string
	Reports   domain.Log // takes StageReported
	Sources   Sources
	States    States
	Contents  Contents
	Clock     domain.Clock
	Log       *slog.Logger

	// Cancelled tells whether a replay was cancelled; nil: none is.
	Cancelled func(ctx context.Context, replay string) (bool, error)

	Patience Patience
	Parallel int            // batches asked for at once; 0: 8
	Observe  func(Observed) // is told what happens, by several at once; nil: nobody is

	soft, hard context.Context // end: nothing new is asked; what was asked is given up
	circuit    *circuit
	files      *files
	sources    *sources
	replays    *replays
	slots      chan struct{}

	mu           sync.Mutex
	filling      []*item
	fillingBytes int64
	number       int // of the batch that is being filled
}

// Observed is one thing that happened at a stage.
type Observed struct {
	Stage   string
	State   domain.StageState // what became of one item; empty: see below
	Items   int64             // with State: what the neighbour made of it
	Again   bool              // with State: it was handed on again
	Trouble bool              // the neighbour did not answer, or not so that it helps
	Changed bool              // the circuit opened or closed
	Open    bool              // with Changed
}

// Run hands on until ctx ends; then it waits a while for the answers that are due.
// It may be called once. An error says that a topic cannot be read any more.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.Patience = d.Patience.orDefaults()
	if d.Parallel == 0 {
		d.Parallel = defaultParallel
	}
	d.soft = ctx
	hard, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, drop) })
	defer stop()
	d.hard, d.files, d.sources, d.slots = hard, newFiles(), newSources(d.Sources, d.Clock), make(chan struct{}, d.Parallel)
	d.replays = newReplays(d.Cancelled, d.Clock)
	d.circuit = newCircuit(d.Stage.Name(), d.Patience, func(open bool) {
		d.observe(Observed{Changed: true, Open: open})
		d.Log.WarnContext(hard, "circuit of a stage", "stage", d.Stage.Name(), "open", open)
	})
	router, err := d.router()
	if err != nil {
		return err
	}
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("pipeline: %s: %w", d.Stage.Name(), err)
	}
	if ctx.Err() == nil {
		return fmt.Errorf("pipeline: %s: %w", d.Stage.Name(), errEnded)
	}
	return ctx.Err()
}

// errEnded is a feed that ended by itself; its log says why.
var errEnded = errors.New("its topic cannot be read any more")

// router has one handler for each feed. From the outside in: a final error goes to
// the dead letters, any other one is tried again, a panic is an error.
func (d *Dispatcher) router() (*message.Router, error) {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: grace + 2*time.Second}, watermill.NewSlogLogger(d.Log))
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	poison, err := middleware.PoisonQueueWithFilter(letters{d}, d.DeadTopic, buried)
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	retry := middleware.Retry{
		MaxRetries: 1 << 30, InitialInterval: d.Patience.First, MaxInterval: d.Patience.Last, Multiplier: 2, RandomizationFactor: 0.5,
		ShouldRetry: func(p middleware.RetryParams) bool {
			return d.soft.Err() == nil && !IsFinal(p.Err) && (!isPanic(p.Err) || p.RetryNum < panics)
		},
	}
	router.AddMiddleware(middleware.CorrelationID, poison, retry.Middleware, middleware.Recoverer)
	router.AddConsumerHandler(d.Stage.Name(), d.Live.Topic, d.Live.Subscriber, d.take)
	if d.Again.Subscriber != nil {
		router.AddConsumerHandler(d.Stage.Name()+" again", d.Again.Topic, d.Again.Subscriber, d.take)
	}
	return router, nil
}

// buried tells whether a message with this error is a dead letter.
func buried(err error) bool { return IsFinal(err) || isPanic(err) }

func isPanic(err error) bool {
	p := middleware.RecoveredPanicError{}
	return errors.As(err, &p)
}

func (d *Dispatcher) observe(o Observed) {
	if d.Observe != nil {
		o.Stage = d.Stage.Name()
		d.Observe(o)
	}
}
