package pipeline

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// An OwnError is trouble of a server of our own, met on the way to a neighbour. It is
// waited out, and says nothing about the neighbour.
type OwnError struct{ Err error }

func (e *OwnError) Error() string { return e.Err.Error() }

// Unwrap gives what the trouble was.
func (e *OwnError) Unwrap() error { return e.Err }

// Own makes err an OwnError; nil stays nil.
func Own(err error) error {
	if err == nil {
		return nil
	}
	return &OwnError{err}
}

func isOwn(err error) bool {
	own := new(OwnError)
	return errors.As(err, &own)
}

// A FateError is trouble of which it is known whether the neighbour may have taken what
// it was given.
type FateError struct {
	Err     error
	MayHave bool
}

func (e *FateError) Error() string { return e.Err.Error() }

// Unwrap gives what the trouble was.
func (e *FateError) Unwrap() error { return e.Err }

// A PartError is trouble with a part of a batch: what became of the rest stands.
type PartError struct {
	Err error
	// Outcomes are in the order of the batch. Without a state: the item is to be handed
	// in again. Its Err is then what came of it, nil: the neighbour was not asked.
	Outcomes []Outcome
}

func (e *PartError) Error() string { return e.Err.Error() }

// Unwrap gives what the trouble was.
func (e *PartError) Unwrap() error { return e.Err }

// outcomesIn are those of err for a batch of n; nil: it is about all of them.
func outcomesIn(err error, n int) []Outcome {
	if err == nil {
		return nil
	}
	if part := new(PartError); errors.As(err, &part) && len(part.Outcomes) == n {
		return part.Outcomes
	}
	return nil
}

// mayHave tells whether a neighbour may have taken what a try that gave err brought: no
// answer came, or not the neighbour's own.
func mayHave(err error) bool {
	if fate := new(FateError); errors.As(err, &fate) {
		return fate.MayHave
	}
	if status := new(StatusError); errors.As(err, &status) {
		return status.Status == http.StatusBadGateway || status.Status == http.StatusGatewayTimeout
	}
	if op := new(net.OpError); errors.As(err, &op) && op.Op == "dial" {
		return false // nobody was there to be asked
	}
	return err != nil && !shut(err) && !IsFinal(err) && !isOwn(err)
}

// Insist does something that is due to a server of our own until it is done or ctx ends:
// then it gives the last error, as an OwnError. It is for what must not be lost once a
// neighbour has answered, since asking that again would give it the same twice. An error
// that is final stands in the log and ends it too: what the neighbour has, it has.
func Insist(ctx context.Context, do func(ctx context.Context) error) error {
	patience := Patience{First: 100 * time.Millisecond, Last: 5 * time.Second}
	for failed := 0; ; failed++ {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if h, ok := ctx.Value(hearerKey{}).(*hearer); ok {
			h.unkept(ctx, failed+1, err)
		}
		if IsFinal(err) {
			return nil
		}
		if !pause(ctx, spread(patience.most(failed)), nil) {
			return Own(err)
		}
	}
}
