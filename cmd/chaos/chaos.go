package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

// config is what the flags say.
type config struct {
	binary, dir  string
	files, kills int
	deliveries   int
	outage       time.Duration
	seed         uint64
	short        bool // as a test: less of everything that takes time
}

// A chaos knows the servers and gives faults scenes on them.
type chaos struct {
	config
	servers testbed.Servers
	clock   clock.System
	log     *slog.Logger
	stderr  io.Writer
}

func newChaos(ctx context.Context, o config, stderr io.Writer) (*chaos, error) {
	c := &chaos{config: o, log: slog.New(slog.NewTextHandler(stderr, nil)), stderr: stderr}
	for c.seed == 0 {
		c.seed = rand.Uint64()
	}
	c.log.InfoContext(ctx, "begins", "seed", c.seed)
	var err error
	if c.servers, err = testbed.Find(ctx, stderr); err != nil {
		return nil, err
	}
	if c.binary, err = filepath.Abs(c.binary); err != nil {
		return nil, err
	}
	if _, err := os.Stat(c.binary); err != nil {
		return nil, err
	}
	if c.dir == "" {
		c.dir = os.TempDir()
	}
	return c, nil
}

// A fault is one kind of trouble.
type fault struct {
	name  string // of its lines, or what they begin with
	title string // what is done, for docs/benchmarks.md
	try   func(ctx context.Context, c *chaos, name string) ([]figures.Line, error)
	// tested: it is a test of cmd/data-connector, which "go test" runs there.
	tested bool
}

// tryAll tries the faults that pattern names, one after the other, and prints
// their lines as they come. One that cannot be tried does not stop the others.
func (c *chaos) tryAll(ctx context.Context, pattern *regexp.Regexp, stdout io.Writer) (lines []figures.Line, failed []error) {
	for _, f := range catalogue() {
		if !pattern.MatchString(f.name) || ctx.Err() != nil {
			continue
		}
		c.log.InfoContext(ctx, "fault begins", "fault", f.name)
		got, err := f.try(ctx, c, f.name)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s (seed %d): %w", f.name, c.seed, err))
		}
		if err := figures.Print(stdout, got); err != nil {
			failed = append(failed, err)
		}
		lines = append(lines, got...)
	}
	return lines, failed
}

// random is a source of random numbers of its own for each fault.
func (c *chaos) random(name string) *rand.Rand {
	var sum uint64
	for _, b := range []byte(name) {
		sum = sum*31 + uint64(b)
	}
	return rand.New(rand.NewPCG(c.seed, sum)) //nolint:gosec // it has to come again
}
