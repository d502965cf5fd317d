package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

func TestTargets(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		line figures.Line
		ok   bool
	}{
		"as fast as asked":       {figures.AtLeast("a", "1/s", 7, 10, 0.7), true},
		"too slow":               {figures.AtLeast("a", "1/s", 6.9, 10, 0.7), false},
		"as long as allowed":     {figures.AtMost("a", "s", 3, 1, 3, 0), true},
		"too long":               {figures.AtMost("a", "s", 3.1, 1, 3, 0), false},
		"too long but for slack": {figures.AtMost("a", "s", 1.7, 1, 1.5, 0.3), true},
		"below its limit":        {figures.Below("a", "MiB", 300, 300), true},
		"above its limit":        {figures.Below("a", "MiB", 301, 300), false},
		"compared with nothing":  {figures.Plain("a", "ms", 1), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if tt.line.OK != tt.ok || figures.Missed([]figures.Line{tt.line}) == tt.ok {
				t.Errorf("got %+v, want ok %t", tt.line, tt.ok)
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()

	values := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %g: got %g, want %g", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: got %g, want 0", got)
	}
}

// Names are unique and begin the names of their lines; each says what it is
// compared with.
func TestFigures(t *testing.T) {
	t.Parallel()

	seen := map[string]bool{}
	for _, f := range catalogue() {
		if seen[f.name] || f.title == "" || f.reference == "" || f.measure == nil {
			t.Errorf("figure %q: comes twice or lacks something", f.name)
		}
		seen[f.name] = true
	}
}

// The median counts, and the two are measured in turn.
func TestMedians(t *testing.T) {
	t.Parallel()

	b := &bench{config: config{rounds: 3}, log: slog.New(slog.DiscardHandler)}
	var order strings.Builder
	given := func(name string, values ...float64) piece {
		return func(context.Context) (float64, error) {
			order.WriteString(name)
			v := values[0]
			values = values[1:]
			return v, nil
		}
	}
	value, ref, err := b.medians(t.Context(), given("o", 9, 1, 2), given("r", 5, 7, 6))
	if err != nil || value != 2 || ref != 6 || order.String() != "rororo" {
		t.Errorf("got %g, %g, %v in the order %s; want 2, 6 in turn", value, ref, err, order.String())
	}
	broken := errors.New("broken")
	if _, _, err := b.medians(t.Context(), given("o", 1), func(context.Context) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
}

func TestMeasureNothing(t *testing.T) {
	t.Parallel()

	b := &bench{log: slog.New(slog.DiscardHandler)}
	var out bytes.Buffer
	if lines, failed := b.measure(t.Context(), regexp.MustCompile("^no such figure$"), &out); len(lines) != 0 || len(failed) != 0 || out.Len() != 0 {
		t.Errorf("got %v, %v, %q; want nothing", lines, failed, out.String())
	}
}

// The reference packs every byte of a tree, and the tree is always the same.
func TestTree(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for _, root := range []string{one, two} {
		if err := testbed.MakeTree(root, 250); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 250 {
		a, err := os.ReadFile(filepath.Join(one, testbed.TreePath(i)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(two, testbed.TreePath(i)))
		if err != nil || !bytes.Equal(a, b) || len(a) < 200 {
			t.Fatalf("file %d: got %d and %d bytes, %v; want the same, 200 at least", i, len(a), len(b), err)
		}
	}
	if err := packTree(one, filepath.Join(dir, "pack")); err != nil {
		t.Error(err)
	}
}
