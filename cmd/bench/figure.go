package main

import (
	"context"
	"fmt"
	"io"
	"regexp"

	"github.com/confuse/data-connector/cmd/figures"
)

// A figure measures one thing, or several of one kind.
type figure struct {
	name      string // of its lines, or what they begin with
	title     string // what is measured, for docs/benchmarks.md
	reference string // what it is compared with, in words
	note      string // what to know about it; empty: nothing
	measure   func(ctx context.Context, b *bench) ([]figures.Line, error)
}

// measure measures the figures that pattern names, one after the other, and
// prints their lines as they come. A figure that cannot be measured does not stop
// the others.
func (b *bench) measure(ctx context.Context, pattern *regexp.Regexp, stdout io.Writer) (lines []figures.Line, failed []error) {
	for _, f := range catalogue() {
		if !pattern.MatchString(f.name) || ctx.Err() != nil {
			continue
		}
		b.log.InfoContext(ctx, "figure begins", "figure", f.name)
		got, err := f.measure(ctx, b)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", f.name, err))
			continue // what it may have measured before tells nothing
		}
		if err := figures.Print(stdout, got); err != nil {
			failed = append(failed, err)
		}
		lines = append(lines, got...)
	}
	return lines, failed
}
