package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// A figure measures one thing, or several of one kind.
type figure struct {
	name      string // of its lines, or what they begin with
	title     string // what is measured, for docs/benchmarks.md
	reference string // what it is compared with, in words
	note      string // what to know about it; empty: nothing
	measure   func(ctx context.Context, b *bench) ([]line, error)
}

// A line is one figure as it is printed.
type line struct {
	Name      string   `json:"name"`
	Value     float64  `json:"value"`
	Unit      string   `json:"unit"`
	Reference *float64 `json:"reference"` // in the same unit; null: there is none
	Ratio     *float64 `json:"ratio"`     // of value and reference
	Target    string   `json:"target"`    // empty: none
	OK        bool     `json:"ok"`        // the target is met
}

// atMost is a line whose value may be ratio times the reference and slack more.
func atMost(name, unit string, value, reference, ratio, slack float64) line {
	l := compared(name, unit, value, reference)
	l.Target, l.OK = fmt.Sprintf("<= %.1f x", ratio), value <= ratio*reference+slack
	if slack != 0 {
		l.Target += fmt.Sprintf(" + %g %s", slack, unit)
	}
	return l
}

// atLeast is a line whose value, a rate, has to be ratio times the reference.
func atLeast(name, unit string, value, reference, ratio float64) line {
	l := compared(name, unit, value, reference)
	l.Target, l.OK = fmt.Sprintf(">= %.1f", ratio), value >= ratio*reference
	return l
}

// plain is a line that is compared with nothing.
func plain(name, unit string, value float64) line {
	return line{Name: name, Value: value, Unit: unit, OK: true}
}

// below is a line with a limit of its own.
func below(name, unit string, value, limit float64) line {
	return line{Name: name, Value: value, Unit: unit, Target: fmt.Sprintf("<= %g %s", limit, unit), OK: value <= limit}
}

func compared(name, unit string, value, reference float64) line {
	l := line{Name: name, Value: value, Unit: unit, Reference: &reference}
	if reference != 0 {
		ratio := value / reference
		l.Ratio = &ratio
	}
	return l
}

func missed(lines []line) bool {
	return slices.ContainsFunc(lines, func(l line) bool { return !l.OK })
}

// measure measures the figures that pattern names, one after the other, and
// prints their lines as they come. A figure that cannot be measured does not stop
// the others.
func (b *bench) measure(ctx context.Context, pattern *regexp.Regexp, stdout io.Writer) (lines []line, failed []error) {
	for _, f := range figures() {
		if !pattern.MatchString(f.name) || ctx.Err() != nil {
			continue
		}
		b.log.InfoContext(ctx, "figure begins", "figure", f.name)
		got, err := f.measure(ctx, b)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", f.name, err))
			continue // what it may have measured before tells nothing
		}
		for _, l := range got {
			if err := json.NewEncoder(stdout).Encode(l); err != nil {
				failed = append(failed, err)
			}
		}
		lines = append(lines, got...)
	}
	return lines, failed
}
