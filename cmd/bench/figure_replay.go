package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/domain/replay"
)

const (
	replayedEvents = 1_000_000
	fewerReplayed  = 100_000
	statesOfFile   = 4   // events of each file
	maxReplayPeak  = 256 // MiB
	replayScanned  = 400_000
)

func replayScanFigure() figure {
	return figure{
		name:      "replay_scan",
		title:     "A replay that finds its events: a dry run of mode history over 400,000 events in 4 partitions, all of which it reads, decodes, checks and counts",
		reference: "franz-go: one client reads the same records and json.Unmarshal makes the same structs of their values",
		note:      "`replay_scan_latest` is mode latest, which asks the table of files for each event.",
		measure:   replayScan,
	}
}

func replayScan(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	r, err := b.newReplays(ctx, b.scaled(replayScanned))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	var latest []float64
	history := func(ctx context.Context) (float64, error) {
		took, err := r.dry(ctx, replay.Latest)
		latest = append(latest, took)
		if err != nil {
			return 0, err
		}
		return r.dry(ctx, replay.History)
	}
	value, ref, err := b.medians(ctx, history, r.consume)
	return []figures.Line{
		figures.AtLeast("replay_scan", "events/s", value, ref, 0.5),
		figures.Plain("replay_scan_latest", "events/s", quantile(latest, 0.5)),
	}, err
}

func replayLatestFigure() figure {
	return figure{
		name:      "replay_latest",
		title:     "Peak resident memory of a dispatcher that carries out a replay of mode latest, over 1,000,000 events of 250,000 files, to a topic",
		reference: "its own peak over 100,000 events",
		note:      fmt.Sprintf("It holds one chunk of at most 2,000 events, what the client has read ahead, and 100,000 names of packs; so at most %d MiB.", maxReplayPeak),
		measure:   replayLatest,
	}
}

func replayLatest(ctx context.Context, b *bench) ([]figures.Line, error) {
	few, _, err := latestOf(ctx, b, b.scaled(fewerReplayed))
	if err != nil {
		return nil, err
	}
	many, speed, err := latestOf(ctx, b, b.scaled(replayedEvents))
	return []figures.Line{
		figures.AtMost("replay_latest_memory", "MiB", many, few, 1.5, 0),
		figures.Below("replay_latest_memory_limit", "MiB", many, maxReplayPeak),
		figures.Plain("replay_latest", "events/s", speed),
	}, err
}

// latestOf is the peak of a new dispatcher that replays n events, and how many it
// looked at in a second.
func latestOf(ctx context.Context, b *bench, n int) (peak, speed float64, err error) {
	r, err := b.newReplays(ctx, n)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	topic := r.Name + "-out" // closing the corner deletes it
	if err := r.makeTopic(ctx, topic); err != nil {
		return 0, 0, err
	}
	order, err := r.add(ctx, replay.Order{Mode: replay.Latest, Topic: topic})
	if err != nil {
		return 0, 0, err
	}
	p, err := testbed.Start(ctx, testbed.Command{
		Binary: b.binary, Args: []string{"serve", "--roles", "dispatcher"}, Env: append(r.Environment(b.dir), "STAGES=none"), Log: filepath.Join(r.Dir, "dispatcher.log"),
	})
	if err != nil {
		return 0, 0, err
	}
	defer p.Stop()
	done, err := r.await(ctx, order.ID)
	if err != nil {
		return 0, 0, err
	}
	if want := int64(n / statesOfFile); done.Status != replay.Completed || done.Progress.Sent != want {
		return 0, 0, fmt.Errorf("the replay is %s and has sent %d of %d: %s", done.Status, done.Progress.Sent, want, done.Error)
	}
	peak, err = p.Peak()
	return peak, float64(n) / done.Progress.Busy.Seconds(), err
}
