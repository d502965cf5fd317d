// Package figures prints what the programs beside it have measured: one JSON line
// for each figure, a table for people, and rows for docs/benchmarks.md.
//
// A [Line] is one figure. It knows its target and whether that is met; what it
// means and how it is measured is the matter of cmd/bench and cmd/chaos.
package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// A Line is one figure as it is printed.
type Line struct {
	Name      string   `json:"name"`
	Value     float64  `json:"value"`
	Unit      string   `json:"unit"`
	Reference *float64 `json:"reference"` // in the same unit; null: there is none
	Ratio     *float64 `json:"ratio"`     // of value and reference
	Target    string   `json:"target"`    // empty: none
	OK        bool     `json:"ok"`        // the target is met
}

// AtMost is a line whose value may be ratio times the reference and slack more.
func AtMost(name, unit string, value, reference, ratio, slack float64) Line {
	l := compared(name, unit, value, reference)
	l.Target, l.OK = fmt.Sprintf("<= %.1f x", ratio), value <= ratio*reference+slack
	if slack != 0 {
		l.Target += fmt.Sprintf(" + %g %s", slack, unit)
	}
	return l
}

// AtLeast is a line whose value, a rate, has to be ratio times the reference.
func AtLeast(name, unit string, value, reference, ratio float64) Line {
	l := compared(name, unit, value, reference)
	l.Target, l.OK = fmt.Sprintf(">= %.1f", ratio), value >= ratio*reference
	return l
}

// Plain is a line that is compared with nothing.
func Plain(name, unit string, value float64) Line {
	return Line{Name: name, Value: value, Unit: unit, OK: true}
}

// Below is a line with a limit of its own.
func Below(name, unit string, value, limit float64) Line {
	return Line{Name: name, Value: value, Unit: unit, Target: fmt.Sprintf("<= %g %s", limit, unit), OK: value <= limit}
}

// Exactly is a line with one good value, which stands as its reference.
func Exactly(name, unit string, value, want float64) Line {
	l := compared(name, unit, value, want)
	l.Target, l.OK = fmt.Sprintf("= %g", want), value == want
	return l
}

// Reaching is a line with a least value of its own.
func Reaching(name, unit string, value, least float64) Line {
	return Line{Name: name, Value: value, Unit: unit, Target: fmt.Sprintf(">= %g %s", least, unit), OK: value >= least}
}

func compared(name, unit string, value, reference float64) Line {
	l := Line{Name: name, Value: value, Unit: unit, Reference: &reference}
	if reference != 0 {
		ratio := value / reference
		l.Ratio = &ratio
	}
	return l
}

// Missed tells whether one of lines misses its target.
func Missed(lines []Line) bool {
	return slices.ContainsFunc(lines, func(l Line) bool { return !l.OK })
}

// Print prints lines for programs, each as one line of JSON.
func Print(w io.Writer, lines []Line) error {
	to := json.NewEncoder(w)
	for _, l := range lines {
		if err := to.Encode(l); err != nil {
			return err
		}
	}
	return nil
}
