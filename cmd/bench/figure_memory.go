package main

import (
	"context"
	"errors"
	"os"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

const (
	manyFiles = 1_000_000
	fewFiles  = 100_000
	maxPeak   = 300 // MiB
)

func memoryFigure() figure {
	return figure{
		name:      "peak_memory",
		title:     "Peak resident memory of the whole service (one process) while it syncs a folder of 1,000,000 files and compares it once more",
		reference: "its own peak with 100,000 files",
		note: "What grows with a source is bounded. Overlay (what a run has appended and nobody has folded): some 4,000 files, " +
			"3 MiB; then the run waits for the projector. Content read ahead: 64 items, 4 MiB, then one item at a time for each reader. Spool of a comparison: on disk; in memory one page of it, and of an " +
			"unordered listing 20,000 items at a time, sorted runs on disk. Waiters: one entry of some 100 bytes for each request or " +
			"run that waits, so at most one for each open request and worker, gone when it has been answered.",
		measure: peakMemory,
	}
}

func peakMemory(ctx context.Context, b *bench) ([]figures.Line, error) {
	few, err := peakOf(ctx, b, b.scaled(fewFiles))
	if err != nil {
		return nil, err
	}
	many, err := peakOf(ctx, b, b.scaled(manyFiles))
	if err != nil {
		return nil, err
	}
	return []figures.Line{
		figures.AtMost("peak_memory", "MiB", many, few, 1.5, 0),
		figures.Below("peak_memory_limit", "MiB", many, maxPeak),
	}, nil
}

// peakOf is the peak of a new service with n files: the first sync, then one that
// compares all.
func peakOf(ctx context.Context, b *bench, n int) (peak float64, err error) {
	tree, err := os.MkdirTemp(b.dir, "bench-tree-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(tree) }() // temporary files
	if err := testbed.MakeTree(tree, n); err != nil {
		return 0, err
	}
	s, err := b.startService(ctx, tree)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	source, _, err := timeConnect(ctx, s, tree, n)
	if err != nil {
		return 0, err
	}
	if _, err := timeSync(ctx, s, source); err != nil {
		return 0, err
	}
	return s.Peak()
}
