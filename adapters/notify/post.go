package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

const (
	// sends is how often a message is tried before its notices wait in their rows.
	sends = 3
	// pause is how long the first wait between them is.
	pause = 500 * time.Millisecond
	// atOnce is how long a sender may take to notice that its time is over.
	atOnce = time.Second
	// room is how many messages may wait until they are begun; who has more waits.
	room = 64
	// messages is the name under which the router knows them.
	messages = "notifications"
)

// A Post is an ingest.NotifySender over another one, through watermill's Router: a
// message that fails is tried again a few times, a panic is an error, and what
// fails for good goes to the poison queue, which is whoever waits for the answer.
// Messages are sent side by side. Send works while Run runs.
//
// What waits here is lost in a crash, and that is why nothing rests on it: the rows
// of notices say what is to be told until it was.
type Post struct {
	ingest.NotifySender
	log   *slog.Logger
	queue chan *message.Message

	mu      sync.Mutex
	parcels map[string]*parcel
}

// A parcel is a message on its way.
type parcel struct {
	ctx    context.Context
	target ingest.NotifyTarget
	id     string
	m      ingest.NotifyMessage
	done   chan error              // holds one
	partly *ingest.PartlySentError // so far; nil: not
}

// failed is err with whom the message has reached all the same.
func (p *parcel) failed(err error) error {
	if p.partly == nil {
		return err
	}
	return &ingest.PartlySentError{Reached: p.partly.Reached, Err: err}
}

var (
	_ ingest.NotifySender = (*Post)(nil)
	_ message.Subscriber  = (*Post)(nil)
)

// NewPost makes a Post that sends by s.
func NewPost(s ingest.NotifySender, log *slog.Logger) *Post {
	return &Post{NotifySender: s, log: log, queue: make(chan *message.Message, room), parcels: make(map[string]*parcel)}
}

// Send implements ingest.NotifySender.
func (p *Post) Send(ctx context.Context, t ingest.NotifyTarget, id string, m ingest.NotifyMessage) error {
	msg := message.NewMessage(watermill.NewUUID(), nil) // a target is a secret: it is no part of the message
	middleware.SetCorrelationID(id, msg)
	one := &parcel{ctx: ctx, target: t, id: id, m: m, done: make(chan error, 1)}
	p.mu.Lock()
	p.parcels[msg.UUID] = one
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.parcels, msg.UUID)
	}()
	select {
	case p.queue <- msg:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-one.done:
		return err
	case <-ctx.Done():
	}
	select { // all ends with ctx, and tells whom it has reached
	case err := <-one.done:
		return err
	case <-time.After(atOnce):
		return fmt.Errorf("notify: no answer: %w", ctx.Err())
	}
}

// Run sends until ctx ends. It may be called once.
func (p *Post) Run(ctx context.Context) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: time.Second}, watermill.NewSlogLogger(p.log))
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	poison, err := middleware.PoisonQueueWithFilter(p, messages, func(error) bool { return true })
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	retry := middleware.Retry{
		MaxRetries: sends - 1, InitialInterval: pause, Multiplier: 2, RandomizationFactor: 0.5,
		ShouldRetry: func(r middleware.RetryParams) bool { return errors.Is(r.Err, domain.ErrTransient) },
	}
	router.AddMiddleware(middleware.CorrelationID, poison, retry.Middleware, middleware.Recoverer)
	router.AddConsumerHandler(messages, messages, p, p.take)
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return ctx.Err()
}

// take sends one message: message.NoPublishHandlerFunc.
func (p *Post) take(msg *message.Message) error {
	one := p.parcel(msg)
	if one == nil {
		return nil // nobody waits for it any more
	}
	if one.ctx.Err() != nil {
		one.done <- one.failed(one.ctx.Err())
		return nil
	}
	err := p.NotifySender.Send(one.ctx, one.target, one.id, one.m)
	if err == nil {
		one.done <- nil
	}
	if errors.As(err, &one.partly) {
		one.target.Reached = one.partly.Reached
	}
	return err
}

// Publish implements message.Publisher: it is the poison queue.
func (p *Post) Publish(_ string, letters ...*message.Message) error {
	for _, msg := range letters {
		if one := p.parcel(msg); one != nil {
			one.done <- one.failed(fmt.Errorf("%s: %w", msg.Metadata[middleware.ReasonForPoisonedKey], domain.ErrTransient))
		}
	}
	return nil
}

func (p *Post) parcel(msg *message.Message) *parcel {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.parcels[msg.UUID]
}

// Subscribe implements message.Subscriber. The next message does not wait for the
// one before: a slow target keeps no other one waiting.
func (p *Post) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for {
			select {
			case msg := <-p.queue:
				select {
				case out <- msg:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// Close implements message.Subscriber and message.Publisher: Run closes all.
func (p *Post) Close() error { return nil }
