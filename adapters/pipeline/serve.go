package pipeline

import (
	"context"
	"errors"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/confuse/data-connector/domain/wire"
)

// A server is a message.Subscriber that can do without channels: it calls handle for each
// message, by several at once, and takes what that returns for the answer. It returns
// when the channel of Subscribe would be closed.
type server interface {
	message.Subscriber
	Serve(ctx context.Context, topic string, handle func(*message.Message) error) error
}

// A session is a server as a router takes it: it gives one message, which stands for the
// whole subscription. The messages go through the router's middleware and handler
// where they were read, instead of from one goroutine of the router to the next.
type session struct{ server }

type sessionKey struct{}

// Subscribe implements message.Subscriber.
func (s session) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	out := make(chan *message.Message, 1)
	m := message.NewMessageWithContext(context.WithValue(ctx, sessionKey{}, func(handle func(*message.Message) error) error {
		return s.Serve(ctx, topic, handle)
	}), "", nil)
	out <- m
	go func() {
		defer close(out)
		select {
		case <-m.Acked():
		case <-m.Nacked():
		}
	}()
	return out, nil
}

// inSession is the outermost middleware: it has the others work on each message of a
// session.
func (l *Line[T]) inSession(next message.HandlerFunc) message.HandlerFunc {
	safe := middleware.Recoverer(next) // of the other middleware, too
	return func(msg *message.Message) ([]*message.Message, error) {
		serve, ok := msg.Context().Value(sessionKey{}).(func(func(*message.Message) error) error)
		if !ok {
			return next(msg)
		}
		err := serve(func(m *message.Message) error {
			_, err := safe(m)
			if err != nil && !errors.Is(err, context.Canceled) {
				l.Log.ErrorContext(m.Context(), "message comes again", "stage", l.Name, "event", m.UUID, "correlation", m.Metadata[wire.HeaderCorrelation], "err", err)
			}
			return err
		})
		l.lost(err) // the router goes on as long as another feed does
		return nil, err
	}
}
