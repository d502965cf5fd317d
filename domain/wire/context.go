package wire

import (
	"context"

	"github.com/confuse/data-connector/domain"
)

type eventKey struct{}

// WithEvent gives a context that carries the event of a record beside the record, for
// who has decoded it on the way to others.
func WithEvent(ctx context.Context, event domain.Event) context.Context {
	return context.WithValue(ctx, eventKey{}, event)
}

// EventIn is the event that ctx carries; nil: there is none, and the record is still
// to be decoded.
func EventIn(ctx context.Context) domain.Event {
	event, _ := ctx.Value(eventKey{}).(domain.Event)
	return event
}
