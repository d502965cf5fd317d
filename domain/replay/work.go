package replay

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

const (
	// chunkEvents is how many events are handed out at once at most: a crash repeats
	// no more.
	chunkEvents = 500
	// chunkScan is how many records are looked at until the tables are asked which of
	// those that were found pass.
	chunkScan = 2_000
	// perSecond is how many chunks a replay with a rate is cut into.
	perSecond = 10
	// leastFound is how many a replay with a low rate looks up at once. What it looks
	// up waits for as long as the rate says, and may change meanwhile.
	leastFound = 50
	// How many records stages may be behind. It doubles while they keep up, and is
	// halved while they do not: then what is in flight is what they take in about
	// a second, so a pause stops them about as fast.
	leastAhead, mostAhead = 128, 16_384
)

// A work is one claim being carried out.
type work struct {
	*Runner
	claim   Claim
	sources map[domain.SourceID]bool
	gone    map[string]bool // of packs: whether they were collected; of one partition
	ahead   int64
	free    time.Time // with a rate: when more may be handed out
	saved   time.Time
	stages  []string // that ran when they were asked for
	asked   time.Time
}

func newWork(r *Runner, c Claim) *work {
	w := &work{Runner: r, claim: c, sources: make(map[domain.SourceID]bool), ahead: leastAhead, saved: r.Clock.Now()}
	for _, id := range c.Selector.Sources {
		w.sources[id] = true
	}
	w.claim.Error = "" // what it waited for may be there now
	if w.claim.StartedAt.IsZero() {
		w.claim.StartedAt = w.saved
	}
	if w.claim.Progress.Sources == nil {
		w.claim.Progress.Sources = make(map[domain.SourceID]Count)
	}
	if w.claim.Progress.Ends == nil {
		w.claim.Progress.Ends = make(map[int32]int64)
	}
	return w
}

func (w *work) do(ctx context.Context) error {
	if w.claim.Progress.Marks == nil {
		marks, err := w.plan(ctx)
		if err != nil {
			return err
		}
		w.claim.Progress.Marks = marks
		if err := w.save(ctx); err != nil {
			return err
		}
	}
	for i := range w.claim.Progress.Marks {
		if err := w.scan(ctx, &w.claim.Progress.Marks[i]); err != nil {
			return err
		}
	}
	return w.keepUp(ctx, 0)
}

// plan fixes where the replay begins and ends: in the partitions of its sources.
func (w *work) plan(ctx context.Context) ([]Mark, error) {
	starts, err := w.Records.OffsetsAt(ctx, w.claim.Selector.From)
	if err != nil {
		return nil, err
	}
	ends, err := w.Records.Ends(ctx)
	if err != nil {
		return nil, err
	}
	if to := w.claim.Selector.To; !to.IsZero() {
		if ends, err = w.Records.OffsetsAt(ctx, to); err != nil {
			return nil, err
		}
	}
	partitions := make(map[int32]bool)
	for id := range w.sources {
		source, err := w.Source(ctx, id)
		if errors.Is(err, domain.ErrSourceNotFound) {
			continue // it was removed, and the tables made anew
		}
		if err != nil {
			return nil, err
		}
		partitions[source.Partition] = true
	}
	marks := []Mark{}
	for p := range partitions {
		if from, end := starts[p], ends[p]; from < end {
			marks = append(marks, Mark{Partition: p, From: from, Next: from, End: end})
		}
	}
	slices.SortFunc(marks, func(a, b Mark) int { return cmp.Compare(a.Partition, b.Partition) })
	return marks, nil
}

// scan hands out what is selected of one partition. The tables hold all of it
// before it begins: a row names the last event of its file, or one behind the end.
func (w *work) scan(ctx context.Context, m *Mark) error {
	if m.Next >= m.End {
		return nil
	}
	w.gone = make(map[string]bool)
	if err := w.Wait(ctx, domain.Position{Partition: m.Partition, Offset: m.End - 1}); err != nil {
		return err
	}
	var found []domain.Record
	looked, most := 0, w.lookup()
	for rec, err := range w.Records.Read(ctx, m.Partition, m.Next, m.End) {
		if err != nil {
			return err
		}
		looked++
		if w.selected(rec) {
			found = append(found, rec)
		}
		if len(found) >= most || looked >= chunkScan {
			if err := w.settle(ctx, m, found, rec.Position.Offset+1); err != nil {
				return err
			}
			found, looked = nil, 0
		}
	}
	return w.settle(ctx, m, found, m.End)
}

// lookup is how many events are looked up at once: about what is handed out in a
// second.
func (w *work) lookup() int {
	if w.claim.Rate == 0 || w.claim.Dry {
		return chunkScan
	}
	return min(chunkScan, max(leastFound, w.claim.Rate))
}

// chunk is how many events are handed out at once.
func (w *work) chunk() int {
	switch {
	case w.claim.Dry:
		return chunkScan
	case w.claim.Rate == 0:
		return chunkEvents
	}
	return max(1, min(chunkEvents, w.claim.Rate/perSecond))
}

func (w *work) selected(rec domain.Record) bool {
	e, ok := rec.Event.(domain.FileChanged)
	if !ok || !w.sources[e.SourceID] || e.OwnerID != w.claim.Owner { // I10
		return false
	}
	if since := w.claim.Selector.ChangedSince; !since.IsZero() && timeOf(rec).Before(since) {
		return false
	}
	return w.claim.Selector.wants(e)
}

// timeOf is when an event happened; zero: it does not say.
func timeOf(rec domain.Record) time.Time {
	at, _ := time.Parse(time.RFC3339, rec.Headers[wire.HeaderTime])
	return at
}

// settle hands out what counts of found, chunk by chunk, and moves the mark behind
// each; at last to next.
func (w *work) settle(ctx context.Context, m *Mark, found []domain.Record, next int64) error {
	passed, err := w.passed(ctx, *m, found, next)
	if err != nil {
		return err
	}
	for most := w.chunk(); len(passed) > most; passed = passed[most:] {
		if err := w.hand(ctx, m, passed[:most], passed[most-1].Position.Offset+1); err != nil {
			return err
		}
	}
	return w.hand(ctx, m, passed, next)
}

// hand hands out one chunk, then moves the mark. A crash between the two hands out
// the chunk once more, under the same event ids. What is counted lies below the
// mark, whatever ends the work in between.
func (w *work) hand(ctx context.Context, m *Mark, chunk []domain.Record, next int64) error {
	gone, err := w.countGone(ctx, chunk)
	if err != nil {
		return err
	}
	if err := w.send(ctx, chunk); err != nil {
		return err
	}
	w.claim.Progress.note(chunk)
	w.claim.Progress.ContentGone += gone
	m.Next = next
	return w.save(ctx)
}

// passed are those of found that the mode lets pass.
func (w *work) passed(ctx context.Context, m Mark, found []domain.Record, next int64) ([]domain.Record, error) {
	if len(found) == 0 {
		return nil, nil
	}
	if w.claim.Mode == History {
		counts, err := w.Counts(ctx, m.Partition, found[0].Position.Offset, next)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(found, func(r domain.Record) bool { return !counts(fileOf(r), r.Position.Offset) }), nil
	}
	ids := make([]domain.FileID, len(found))
	for i, r := range found {
		ids[i] = fileOf(r).FileID
	}
	places, err := w.Places(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(r domain.Record) bool {
		at, ok := places[fileOf(r).FileID]
		return !ok || at != r.Position
	}), nil
}

// send hands out to all receivers, no faster than the order and the stages allow.
func (w *work) send(ctx context.Context, passed []domain.Record) error {
	if len(passed) == 0 || w.claim.Dry {
		return nil
	}
	if err := w.pace(ctx, len(passed)); err != nil {
		return err
	}
	if err := w.keepUp(ctx, w.ahead); err != nil {
		return err
	}
	stages := w.claim.Stages
	if len(stages) == 0 {
		stages = []string{""}
	}
	out := make([]Sending, 0, len(passed)*len(stages))
	for _, r := range passed {
		for _, stage := range stages {
			out = append(out, Sending{Record: r, Stage: stage})
		}
	}
	ends, err := w.Send(ctx, w.claim.Topic, w.claim.ID, out)
	if err != nil {
		return err
	}
	if w.claim.Topic == "" {
		maps.Copy(w.claim.Progress.Ends, ends)
	}
	w.claim.Progress.Sent += int64(len(out))
	return nil
}

// save keeps where to go on, keeps the claim and looks at what others want.
func (w *work) save(ctx context.Context) error {
	now := w.Clock.Now()
	w.claim.Progress.Busy += now.Sub(w.saved)
	w.saved = now
	status, err := w.Claims.Save(ctx, w.claim, Lease)
	if err != nil {
		return err
	}
	if w.claim.Status = status; status != Running {
		return errStopped
	}
	return nil
}
