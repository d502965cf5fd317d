package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/domain"
)

const (
	// defaultParallel is how many batches are asked for at once.
	defaultParallel = 8
	// grace is what a neighbour may still take for its answer when a line stops.
	grace = 8 * time.Second
	// panics is how often a handler that panics is tried again.
	panics = 3
)

// LanesPerCall is how many messages are to be in hand for each call that is made at
// once: what has its answer waits for its report to be durable, and leaves its call
// to the next one.
const LanesPerCall = 4

// A Feed is where messages come from.
type Feed struct {
	Topic      string
	Subscriber message.Subscriber // of one consumer group, which is the stage's own
}

// A Line brings things to one neighbour: in batches, several at once, and with
// patience when it is in trouble. All fields down to Log are required.
type Line[T any] struct {
	Name   string // of the stage
	Limits Limits
	Size   func(T) int64
	// Ask is Stage.Handle.
	Ask       func(ctx context.Context, batch []T) ([]Outcome, error)
	Dead      message.Publisher // takes a message that is refused for good, with the middleware's reason
	DeadTopic string
	Clock     domain.Clock
	Log       *slog.Logger

	Patience Patience
	Parallel int            // batches asked for at once; 0: 8
	Observe  func(Observed) // is told what happens, by several at once; nil: nobody is

	soft, hard   context.Context         // end: nothing new is asked; what was asked is given up
	lost         context.CancelCauseFunc // ends soft: a feed has ended
	slots        chan struct{}           // calls that are made now
	fresh, again *class[T]
}

// Observed is one thing that happened at a stage.
type Observed struct {
	Stage   string
	State   domain.StageState // what became of one item; empty: see below
	Items   int64             // with State: what the neighbour made of it
	Again   bool              // it is about what is handed on again, which has a circuit of its own
	Trouble bool              // the neighbour did not answer, or not so that it helps
	Repeats int               // so many are asked for again that the neighbour may have: no answer came
	Changed bool              // the circuit opened or closed
	Open    bool              // with Changed
}

// Run gives the messages of feeds to take until ctx ends; then it waits a while
// for the answers that are due. It may be called once. take may use Hand and Try;
// its final errors make dead letters, any other one makes the message come again.
// An error of Run says that a topic cannot be read any more.
func (l *Line[T]) Run(ctx context.Context, take message.NoPublishHandlerFunc, feeds ...Feed) error {
	l.Patience = l.Patience.orDefaults()
	if l.Parallel == 0 {
		l.Parallel = defaultParallel
	}
	work, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	l.soft, l.lost = work, lost
	hard, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	stop := context.AfterFunc(work, func() { time.AfterFunc(grace, drop) })
	defer stop()
	l.hard, l.slots = hard, make(chan struct{}, l.Parallel)
	l.fresh = &class[T]{Line: l, circuit: l.newCircuit(false), asking: l.telling(false)}
	l.again = &class[T]{Line: l, repeats: true, circuit: l.newCircuit(true), asking: l.telling(true), calls: make(chan struct{}, againCalls(l.Parallel))}
	router, err := l.router(take, feeds)
	if err != nil {
		return err
	}
	if err := router.Run(work); err != nil {
		return fmt.Errorf("pipeline: %s: %w", l.Name, err)
	}
	if ctx.Err() == nil {
		return fmt.Errorf("pipeline: %s: %w", l.Name, errors.Join(errEnded, context.Cause(work)))
	}
	return ctx.Err()
}

// telling is hard for what a class asks.
func (l *Line[T]) telling(again bool) context.Context {
	return heardBy(l.hard, &hearer{twice: func() { l.Observed(Observed{Repeats: 1, Again: again}) }, unkept: l.unkept})
}

// newCircuit makes the circuit of a class.
func (l *Line[T]) newCircuit(again bool) *circuit {
	return newCircuit(l.Name, l.Patience, func(open bool) {
		l.Observed(Observed{Changed: true, Open: open, Again: again})
		l.Log.WarnContext(l.hard, "circuit of a stage", "stage", l.Name, "again", again, "open", open)
	})
}

// errEnded is a feed that ended by itself; its log says why.
var errEnded = errors.New("its topic cannot be read any more")

// Try asks the neighbour for one thing outside of the batches until it is done, its
// error is final, or ctx or the line ends: then it gives the last error. again: it is
// something that is handed on again.
func (l *Line[T]) Try(ctx context.Context, again bool, ask func(ctx context.Context) error) error {
	c := l.fresh
	if again {
		c = l.again
	}
	lost := false
	for failed := 0; ; failed++ {
		_, err := c.circuit.try(func() (_ []Outcome, err error) {
			if lost {
				c.Observed(Observed{Repeats: 1, Again: again})
			}
			defer func() {
				if r := recover(); r != nil {
					err = panicked(r)
				}
			}()
			return nil, ask(c.asking)
		})
		if err == nil || IsFinal(err) {
			return err
		}
		lost = lost || mayHave(err)
		if !c.waitSoft(ctx, failed, err) {
			return err
		}
	}
}

// Persist does something that is due to servers of our own, such as a report, until
// it is done, its error is final, or ctx ends: then it gives the last error.
func (l *Line[T]) Persist(ctx context.Context, do func(ctx context.Context) error) error {
	for failed := 0; ; failed++ {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || IsFinal(err) {
			return err
		}
		l.unkept(ctx, failed+1, err)
		if !pause(ctx, spread(l.Patience.most(failed)), nil) {
			return err
		}
	}
}

func (l *Line[T]) unkept(ctx context.Context, try int, err error) {
	l.Log.WarnContext(ctx, "what a stage has done is not kept yet", "stage", l.Name, "try", try, "final", IsFinal(err), "err", err)
}

// Observed tells of o.
func (l *Line[T]) Observed(o Observed) {
	if l.Observe != nil {
		o.Stage = l.Name
		l.Observe(o)
	}
}
