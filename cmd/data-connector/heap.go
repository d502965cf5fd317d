package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// smallHeap is how far a heap may grow without being collected, in bytes, when it
	// is no more than twice what it was. A process that is idle holds 40 MiB, most of it
	// tables of languages, which every collection looks through.
	smallHeap = 128 << 20

	usualGrowth = 100 // percent, of Go
	mostGrowth  = 200
	heapEvery   = time.Second // it changes slowly
)

// growHeap lets a small heap grow more between two collections than a large one,
// until ctx ends: that saves half of the collections. A heap of more than half of
// smallHeap is held to twice of what is in use, as usual; one that has become so large
// since the last look, for up to heapEvery only to three times. It leaves a process
// alone whose GOGC is set.
func growHeap(ctx context.Context, clock domain.Clock) error {
	before := debug.SetGCPercent(mostGrowth)
	defer debug.SetGCPercent(before)
	if before != usualGrowth {
		return nil
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		metrics.Read(live)
		debug.SetGCPercent(growthOf(live[0].Value.Uint64()))
		select {
		case <-clock.After(heapEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// growthOf is by how many percent a heap may grow of which live bytes are in use.
func growthOf(live uint64) int {
	return int(min(max(smallHeap*100/max(live, 1), usualGrowth+100)-100, mostGrowth))
}
