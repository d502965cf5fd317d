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
	// chunkScan is how many records are looked at until what was found is handed out.
	chunkScan = 5_000
	// perSecond is how many chunks a replay with a rate is cut into.
	perSecond = 10
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
}

func newWork(r *Runner, c Claim) *work {
	w := &work{Runner: r, claim: c, sources: make(map[domain.SourceID]bool), ahead: leastAhead, saved: r.Clock.Now()}
	for _, id := range c.Selector.Sources {
		w.sources[id] = true
	}
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
	looked, most := 0, w.chunk()
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

func (w *work) chunk() int {
	if w.claim.Rate == 0 || w.claim.Dry {
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

// settle hands out what counts of found, then moves the mark. A crash between the
// two hands out the chunk once more, under the same event ids.
func (w *work) settle(ctx context.Context, m *Mark, found []domain.Record, next int64) error {
	passed, err := w.passed(ctx, *m, found, next)
	if err != nil {
		return err
	}
	if err := w.note(ctx, passed); err != nil {
		return err
	}
	if err := w.send(ctx, passed); err != nil {
		return err
	}
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

// fileOf is the event of a record that was selected.
func fileOf(r domain.Record) domain.FileChanged {
	e, _ := r.Event.(domain.FileChanged)
	return e
}

// note counts what is handed out.
func (w *work) note(ctx context.Context, passed []domain.Record) error {
	p := &w.claim.Progress
	for _, r := range passed {
		e := fileOf(r)
		count := p.Sources[e.SourceID]
		count.Events++
		if e.Content != nil {
			count.Bytes += e.Content.Size
			p.Bytes += e.Content.Size
			gone, err := w.isGone(ctx, e.Content.Ref.Pack)
			if err != nil {
				return err
			}
			if gone {
				p.ContentGone++
			}
		}
		p.Sources[e.SourceID] = count
		p.Matched++
		if len(p.Samples) < Samples {
			p.Samples = append(p.Samples, Sample{e.SourceID, e.FileID, e.Path, e.Change, e.Revised()})
		}
	}
	return nil
}

// maxPacks bounds what is remembered of packs.
const maxPacks = 100_000

func (w *work) isGone(ctx context.Context, pack string) (bool, error) {
	if gone, ok := w.gone[pack]; ok {
		return gone, nil
	}
	there, err := w.Packs.Has(ctx, pack)
	if err != nil {
		return false, err
	}
	if len(w.gone) >= maxPacks {
		clear(w.gone)
	}
	w.gone[pack] = !there
	return !there, nil
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

// pace waits until n more events keep to the rate.
func (w *work) pace(ctx context.Context, n int) error {
	if w.claim.Rate == 0 {
		return nil
	}
	for now := w.Clock.Now(); now.Before(w.free); now = w.Clock.Now() {
		if err := w.rest(ctx, min(beat, w.free.Sub(now))); err != nil {
			return err
		}
	}
	w.free = w.Clock.Now().Add(time.Duration(float64(n) / float64(w.claim.Rate) * float64(time.Second)))
	return nil
}

// keepUp waits until no stage is more than ahead records behind.
func (w *work) keepUp(ctx context.Context, ahead int64) error {
	if w.claim.Topic != "" || w.claim.Dry || len(w.claim.Progress.Ends) == 0 {
		return nil
	}
	for {
		behind, err := w.behind(ctx)
		if err != nil {
			return err
		}
		switch {
		case behind <= w.ahead/4:
			w.ahead = min(2*w.ahead, mostAhead)
		case behind > w.ahead:
			w.ahead = max(w.ahead/2, leastAhead)
		}
		if behind <= ahead {
			return nil
		}
		if err := w.rest(ctx, beat); err != nil {
			return err
		}
	}
}

// behind is how many records the slowest stage that runs has not done with.
func (w *work) behind(ctx context.Context) (int64, error) {
	var most int64
	for _, stage := range w.Stages {
		if len(w.claim.Stages) > 0 && !slices.Contains(w.claim.Stages, stage) {
			continue
		}
		n, err := w.Behind(ctx, stage, w.claim.Progress.Ends)
		if err != nil {
			return 0, err
		}
		most = max(most, n)
	}
	return most, nil
}

// rest waits, and looks whether to go on.
func (w *work) rest(ctx context.Context, d time.Duration) error {
	select {
	case <-w.Clock.After(d):
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.Clock.Now().Sub(w.saved) < beat {
		return nil
	}
	return w.save(ctx)
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
