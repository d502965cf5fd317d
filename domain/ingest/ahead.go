package ingest

import (
	"context"
	"iter"
)

// How far ahead a sequence is read: some pieces, each of so many values.
const (
	aheadPieces = 8
	aheadPiece  = 500
)

// readAhead gives the values of seq, which is read by another goroutine meanwhile,
// a little ahead. That one ends with the loop over what is given; an error ends
// both.
func readAhead[T any](ctx context.Context, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type piece struct {
		values []T
		err    error // behind them
	}
	return func(yield func(T, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		pieces := make(chan piece, aheadPieces)
		send := func(p piece) bool {
			select {
			case pieces <- p:
				return true
			case <-ctx.Done():
				return false
			}
		}
		go func() {
			defer close(pieces)
			var p piece
			for v, err := range seq {
				if p.err = err; err != nil {
					break
				}
				if p.values = append(p.values, v); len(p.values) < aheadPiece {
					continue
				}
				if !send(p) {
					return
				}
				p.values = make([]T, 0, aheadPiece)
			}
			send(p)
		}()
		defer func() {
			stop()
			for range pieces { // until the other one has ended
			}
		}()
		for p := range pieces {
			for _, v := range p.values {
				if !yield(v, nil) {
					return
				}
			}
			if p.err != nil {
				var none T
				yield(none, p.err)
				return
			}
		}
		if err := ctx.Err(); err != nil { // the last piece may not have been sent
			var none T
			yield(none, context.Cause(ctx))
		}
	}
}
