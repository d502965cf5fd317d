package main

import (
	"context"
	"math"
	"slices"
	"time"
)

// A piece is something that is measured: it says how long it took, or how fast it
// was, by itself, so that preparing it does not count.
type piece func(ctx context.Context) (float64, error)

// medians measures ours and reference in turn, b.rounds times each, and gives the
// median of each.
func (b *bench) medians(ctx context.Context, ours, reference piece) (value, ref float64, err error) {
	var values, refs []float64
	for range b.rounds {
		for _, p := range []struct {
			of   piece
			into *[]float64
		}{{reference, &refs}, {ours, &values}} {
			got, err := p.of(ctx)
			if err != nil {
				return 0, 0, err
			}
			*p.into = append(*p.into, got)
		}
	}
	b.log.InfoContext(ctx, "measured", "ours", values, "reference", refs)
	return quantile(values, 0.5), quantile(refs, 0.5), nil
}

// quantile is the value below which the share q of all lies; 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// rate is how many of n were done in a second.
func rate(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
