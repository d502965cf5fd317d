package pipeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
)

// router has one handler for each feed. From the outside in: a final error goes to
// the dead letters, any other one is tried again, a panic is an error.
func (l *Line[T]) router(take message.NoPublishHandlerFunc, feeds []Feed) (*message.Router, error) {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: grace + 2*time.Second}, quietLog{watermill.NewSlogLogger(l.Log)})
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	poison, err := middleware.PoisonQueueWithFilter(l.Dead, l.DeadTopic, buried)
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	retry := middleware.Retry{
		MaxRetries: 1 << 30, InitialInterval: l.Patience.First, MaxInterval: l.Patience.Last, Multiplier: 2, RandomizationFactor: 0.5,
		ShouldRetry: func(p middleware.RetryParams) bool {
			return l.soft.Err() == nil && !IsFinal(p.Err) && (!isPanic(p.Err) || p.RetryNum < panics)
		},
	}
	router.AddMiddleware(l.inSession, poison, correlated, retried(retry), middleware.Recoverer)
	for n, feed := range feeds {
		if feed.Subscriber == nil {
			continue
		}
		name := l.Name
		if n > 0 {
			name = fmt.Sprintf("%s %d", l.Name, n+1)
		}
		from := feed.Subscriber
		if s, ok := from.(server); ok {
			from = session{s}
		}
		router.AddConsumerHandler(name, feed.Topic, from, take)
	}
	return router, nil
}

// correlated makes a message that fails say which event it follows from: its dead letter,
// what is made of that by a retry, and the log have it from there. What came without it
// is an event itself. Nothing follows from a message that succeeds.
func correlated(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		out, err := next(msg)
		if err != nil {
			middleware.SetCorrelationID(msg.UUID, msg)
		}
		return out, err
	}
}

// retried is retry for messages that failed once. What it keeps for each would cost
// all those that succeed at once, which are nearly all.
func retried(retry middleware.Retry) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			out, err := next(msg)
			if err == nil || !retry.ShouldRetry(middleware.RetryParams{Err: err}) {
				return out, err
			}
			return retryFrom(retry, next, msg, out, err)
		}
	}
}

// retryFrom is retry for a message of which the first try gave out and err.
func retryFrom(retry middleware.Retry, next message.HandlerFunc, msg *message.Message, out []*message.Message, err error) ([]*message.Message, error) {
	first := true
	return retry.Middleware(func(msg *message.Message) ([]*message.Message, error) {
		if first {
			first = false
			return out, err
		}
		return next(msg)
	})(msg)
}

// A quietLog says nothing of single messages, which would be put together for each
// of them before it is thrown away.
type quietLog struct{ watermill.LoggerAdapter }

// Trace implements watermill.LoggerAdapter.
func (quietLog) Trace(string, watermill.LogFields) {}

// With implements watermill.LoggerAdapter.
func (l quietLog) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return quietLog{l.LoggerAdapter.With(fields)}
}

// buried tells whether a message with this error is a dead letter.
func buried(err error) bool { return IsFinal(err) || isPanic(err) }

func isPanic(err error) bool {
	p := middleware.RecoveredPanicError{}
	return errors.As(err, &p)
}
