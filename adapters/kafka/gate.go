package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// Runs gives the runs that were the current ones of their sources somewhere in a
// partition of the events topic from the offset from up to but not including to.
// It waits until the tables hold everything below to, so that what it says does
// not change any more. Removed are sources of events there of which nothing is
// left.
type Runs func(ctx context.Context, partition int32, from, to int64) (RunsBetween, error)

// RunsBetween are the runs of a range of a partition.
type RunsBetween struct {
	Runs    map[domain.SourceID][]domain.Run
	Removed map[domain.SourceID]bool
}

// Counts tells whether an event at offset counts (I3). Of a source that
// has been removed meanwhile nobody knows the runs any more: what is left to tell
// of it is which files are gone, and that is true whatever run said it.
func (b RunsBetween) Counts(e domain.FileChanged, offset int64) bool {
	if b.Removed[e.SourceID] {
		return e.Change == domain.FileRemoved
	}
	for _, r := range b.Runs[e.SourceID] {
		if r.ID == e.RunID && r.Started < offset && (r.Ended < 0 || r.Ended > offset) {
			return true
		}
	}
	return false
}

// A gate lets pass what counts: the file events of the current run of their
// source (I3). It asks the tables, which fold the same log, instead of folding it
// once more: a fold that began in the middle would not know whether a claim is
// valid.
//
// As long as no source changes, what it was told last stays true. Then it only waits
// until the tables hold what comes.
type gate struct {
	*window
	told *RunsBetween // nil: nothing yet
}

// know asks about in, if something new is to be known of it, before it goes to the
// lanes, and waits until the tables hold it. It reports false when ctx ended.
func (g *gate) know(ctx context.Context, in []*task) bool {
	if len(in) == 0 {
		return true
	}
	news := g.told == nil
	for _, t := range in {
		source := isSourceChanged(t.record)
		t.barrier, news = source && g.own.Sources, news || source
	}
	if !g.ask(ctx, in[0].record.Offset, in[len(in)-1].record.Offset+1, news) {
		return false
	}
	for _, t := range in {
		t.told = g.told
	}
	return true
}

// ask asks until it is told or ctx ends.
func (g *gate) ask(ctx context.Context, from, to int64, news bool) bool {
	for failed := 0; ; failed++ {
		err := g.once(ctx, from, to, news)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		err = fmt.Errorf("runs of %s from %d to %d: %w", g.at, from, to, err)
		g.options.Log.WarnContext(ctx, "nothing is handed on until the tables answer", "group", g.own.Group, "err", err)
		if !pause(ctx, backoff(failed)) {
			return false
		}
	}
}

// once asks once; without news it is enough that the tables hold all below to.
func (g *gate) once(ctx context.Context, from, to int64, news bool) error {
	if !news {
		if g.own.Held == nil {
			return nil
		}
		return g.own.Held(ctx, domain.Position{Partition: g.at.number, Offset: to - 1})
	}
	told, err := g.own.Runs(ctx, g.at.number, from, to)
	if err != nil {
		return err
	}
	g.told = &told
	return nil
}

// counts decodes the record of t, whose headers are given, and tells whether it is to
// be handed out.
func (t *task) counts(headers map[string]string) (domain.Event, bool) {
	event, err := wire.Decode(headers, t.record.Value)
	if err != nil { // it is set aside in the tables, and shown there
		t.options.Log.WarnContext(t.hard, "record is not handed on: it is no event", "group", t.own.Group, "partition", t.record.Partition, "offset", t.record.Offset, "err", err)
		return nil, false
	}
	switch e := event.(type) {
	case domain.FileChanged:
		return event, t.told.Counts(e, t.record.Offset)
	case domain.SourceChanged:
		return event, t.own.Sources
	default:
		return nil, false
	}
}

// isSourceChanged is wire.IsSourceChanged for a record.
func isSourceChanged(r *kgo.Record) bool {
	eventType := headerOf(r, wire.HeaderType)
	return string(eventType) != wire.TypeFileChanged && wire.IsSourceChanged(map[string]string{wire.HeaderType: string(eventType)})
}

// sourceOf is the source of an event, from its headers.
func sourceOf(r *kgo.Record) string { return string(headerOf(r, wire.HeaderSource)) }

func headerOf(r *kgo.Record, name string) []byte {
	for _, h := range r.Headers {
		if h.Key == name {
			return h.Value
		}
	}
	return nil
}
