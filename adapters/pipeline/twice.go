package pipeline

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// A request that is cut on a connection that was used before goes out a second time at
// once, if it has an idempotency key: mostly the neighbour had closed the connection
// meanwhile and has not seen it. That is not known, though, so it counts as a repeat.

// A hearer is told what happens to what a line asks.
type hearer struct {
	twice  func()                                        // a request that the neighbour may have had went out a second time, and was answered
	unkept func(ctx context.Context, try int, err error) // what it has answered is not kept yet
}

type hearerKey struct{}

// heardBy makes the context of what h is told of.
func heardBy(ctx context.Context, h *hearer) context.Context {
	return context.WithValue(ctx, hearerKey{}, h)
}

// A second is the body of the answer to a request that went out a second time.
type second struct{ io.ReadCloser }

// twice tells of a request that went out a second time, and what came of it: an error
// leaves open whether the neighbour has it.
func twice(ctx context.Context, resp *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, &FateError{Err: err, MayHave: true}
	}
	if h, ok := ctx.Value(hearerKey{}).(*hearer); ok {
		h.twice()
	}
	resp.Body = second{resp.Body}
	return resp, nil
}

// refused is err, an answer other than a success: what it refuses the neighbour may have
// taken all the same, the first time.
func refused(resp *http.Response, err error) error {
	if _, again := resp.Body.(second); again {
		return &FateError{Err: err, MayHave: true}
	}
	return err
}

// A tracer tells whether http.Transport tries a request on another connection once it was
// written to one.
type tracer struct{ written, again atomic.Bool }

func (t *tracer) follow(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			if t.written.Load() {
				t.again.Store(true)
			}
		},
		WroteRequest: func(w httptrace.WroteRequestInfo) {
			if w.Err == nil {
				t.written.Store(true)
			}
		},
	})
}
