package ingest

import (
	"context"
	"errors"
	"iter"
	"testing"
)

func TestReadAheadGivesAllInOrder(t *testing.T) {
	t.Parallel()

	for _, n := range []int{0, 1, aheadPiece, 10*aheadPiece + 7} {
		next := 0
		for v, err := range readAhead(t.Context(), numbers(n, nil)) {
			if err != nil || v != next {
				t.Fatalf("of %d: got %d and %v, want %d", n, v, err, next)
			}
			next++
		}
		if next != n {
			t.Errorf("got %d values, want %d", next, n)
		}
	}
}

// An error comes behind the values before it, and ends them.
func TestReadAheadTellsErrors(t *testing.T) {
	t.Parallel()

	broken := errors.New("broken")
	got, last := 0, error(nil)
	for _, err := range readAhead(t.Context(), numbers(700, broken)) {
		if last = err; err == nil {
			got++
		}
	}
	if got != 700 || !errors.Is(last, broken) {
		t.Errorf("got %d values and %v, want 700 and the error", got, last)
	}
}

// What is cut off by its context is never taken for all there is.
func TestReadAheadCutOff(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range readAhead(ctx, numbers(20*aheadPiece, nil)) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", last)
	}
}

// Leaving the loop ends the reading.
func TestReadAheadStops(t *testing.T) {
	t.Parallel()

	ended := false
	endless := func(yield func(int, error) bool) {
		defer func() { ended = true }()
		for yield(1, nil) {
		}
	}
	for range readAhead(t.Context(), endless) {
		break
	}
	if !ended {
		t.Error("it reads on")
	}
}

func numbers(n int, behind error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if behind != nil {
			yield(0, behind)
		}
	}
}
