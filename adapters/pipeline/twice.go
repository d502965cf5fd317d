package pipeline

import (
	"context"
	"net/http/httptrace"
)

// A request that is cut on a connection that was used before goes out a second time at
// once, if it has an idempotency key: mostly the neighbour had closed the connection
// meanwhile and has not seen it. That is not known, though, so it counts as a repeat.

// twiceKey is of a func() that is told when a request that the neighbour may have had
// went out a second time, and was answered.
type twiceKey struct{}

// tellTwice makes the context of requests of which told is told.
func tellTwice(ctx context.Context, told func()) context.Context {
	return context.WithValue(ctx, twiceKey{}, told)
}

// twice tells of a request that went out a second time, which gave err: an error leaves
// open whether the neighbour has it.
func twice(ctx context.Context, err error) error {
	if err != nil {
		return &FateError{Err: err, MayHave: true}
	}
	if told, ok := ctx.Value(twiceKey{}).(func()); ok {
		told()
	}
	return nil
}

// countTries counts the connections on which http.Transport tries a request.
func countTries(ctx context.Context, tries *int) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { *tries++ }})
}
