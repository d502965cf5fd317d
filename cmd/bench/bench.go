package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/cmd/testbed"
)

// config is what the flags say.
type config struct {
	binary, dir string
	rounds      int
	scale       float64
}

// A bench knows the servers and gives figures corners of their own on them.
type bench struct {
	config
	servers testbed.Servers
	clock   clock.System
	log     *slog.Logger
}

// newBench finds the servers that the environment names, as tests do, or starts
// them.
func newBench(ctx context.Context, c config, stderr io.Writer) (*bench, error) {
	b := &bench{config: c, log: slog.New(slog.NewTextHandler(stderr, nil))}
	var err error
	if b.servers, err = testbed.Find(ctx, stderr); err != nil {
		return nil, err
	}
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return nil, err
	}
	if b.dir == "" {
		b.dir = os.TempDir()
	}
	return b, nil
}

// scaled is n, or less when figures are only tried out.
func (b *bench) scaled(n int) int { return max(1, int(float64(n)*b.scale)) }

// elapsed is how long ago start is.
func (b *bench) elapsed(start time.Time) time.Duration { return time.Since(start) }
