package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// An attic remembers idle packs.
type attic map[string]ingest.IdlePack

func (a attic) Note(_ context.Context, _ domain.SourceID, packs []string, at time.Time) (map[string]ingest.IdlePack, error) {
	for pack := range a {
		if !slices.Contains(packs, pack) {
			delete(a, pack)
		}
	}
	known := map[string]ingest.IdlePack{}
	for _, pack := range packs {
		if _, ok := a[pack]; !ok {
			a[pack] = ingest.IdlePack{Since: at}
		}
		known[pack] = a[pack]
	}
	return known, nil
}

func (a attic) NoteRevisions(_ context.Context, _ domain.SourceID, packs []string) error {
	for _, pack := range packs {
		a[pack] = ingest.IdlePack{Since: a[pack].Since, Revisions: true}
	}
	return nil
}

// RunsOf folds the log again.
func (b *bench) RunsOf(_ context.Context, source domain.SourceID, numbers []int64) ([]domain.Run, error) {
	runs := map[int64]domain.Run{}
	var src domain.Source
	for _, rec := range b.Log.Records(source) {
		if e, ok := rec.Event.(domain.SourceChanged); ok {
			var effect domain.Effect
			src, effect = src.Apply(e, rec.Position.Offset)
			for _, run := range effect.Runs {
				runs[run.Number] = run
			}
		}
	}
	var found []domain.Run
	for _, n := range numbers {
		if run, ok := runs[n]; ok {
			found = append(found, run)
		}
	}
	return found, nil
}

func (b *bench) collector(history time.Duration) *ingest.Collector {
	return &ingest.Collector{
		Index: b.Rows, Packs: b.Packs, Events: b.Log, Runs: b, Idle: attic{}, Clock: b.Clock,
		History: history, Logger: slog.New(slog.DiscardHandler),
	}
}

func (b *bench) collect(c *ingest.Collector) {
	b.t.Helper()
	if err := c.Once(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// Packs of older revisions stay as long as CONTENT_HISTORY says, counted from when
// they are older revisions; a pack in which one live file lies stays whole.
func TestCollectHistory(t *testing.T) {
	t.Parallel()

	for _, history := range []time.Duration{0, 48 * time.Hour} {
		p := &provider{files: tree(6), pageSize: 3}
		b := newBench(t, p, anyConfig)
		b.run()
		b.Clock.Turn(10000 * time.Hour) // content may be old while it is live
		c := b.collector(history)
		b.collect(c)
		first := b.Packs.Names()
		if len(first) != 2 {
			t.Fatalf("got packs %q, want two", first)
		}
		for _, k := range []string{"dir0/file000.txt", "dir0/file003.txt", "dir1/file001.txt", "dir1/file004.txt"} {
			p.files[k] += "edited" // all of the first page, one of the second
		}
		b.sync(domain.SyncIncremental)
		b.Clock.Turn(time.Hour)
		b.collect(c)
		b.Clock.Turn(47 * time.Hour)
		b.collect(c)
		if got := b.Packs.Names(); len(got) <= 2 || !slices.Contains(got, first[0]) {
			t.Errorf("got packs %q before the time has come", got)
		}
		b.Clock.Turn(time.Hour)
		b.collect(c)
		got := b.Packs.Names()
		if slices.Contains(got, first[0]) != (history == 0) || !slices.Contains(got, first[1]) || b.readable() != 6 {
			t.Errorf("history %s: got packs %q, %d readable files", history, got, b.readable())
		}
	}
}

// What a cancelled run leaves is collected, however it goes on; what it had told
// before it was cancelled stays.
func TestCollectCancelledRun(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(9), pageSize: 3}
	b := newBench(t, p, anyConfig)
	s := service(b.World, p)
	packs := 0
	b.Packs.Refuse(func(string) error {
		if packs++; packs == 2 { // the second page's: it and its events come behind the end
			if _, err := s.CancelJob(t.Context(), ingest.JobRequest{Owner: "owner-1", Job: b.Source(b.source).Jobs[0].ID}); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err := b.once(); !errors.Is(err, domain.ErrFenced) {
		t.Fatalf("got %v, want the run fenced", err)
	}
	live := b.namedPacks()
	if len(b.Packs.Names()) <= len(live) {
		t.Fatalf("got packs %q, all named by live files: nothing to collect", b.Packs.Names())
	}
	b.collect(b.collector(0))
	if diff := cmp.Diff(live, b.Packs.Names()); diff != "" {
		t.Errorf("packs (-named by live files +left):\n%s", diff)
	}
	b.Packs.Refuse(nil)
	b.sync(domain.SyncFull)
	b.collect(b.collector(0))
	if b.readable() != 9 {
		t.Errorf("got %d readable files", b.readable())
	}
}

func (b *bench) namedPacks() (packs []string) {
	b.t.Helper()
	for f, err := range b.Rows.Live(b.t.Context(), b.source, domain.ByPath) {
		if err != nil {
			b.t.Fatal(err)
		}
		packs = append(packs, f.Content.Ref.Pack)
	}
	slices.Sort(packs)
	return slices.Compact(packs)
}

// A run that died between a pack and its events leaves the pack; it goes without
// another run of the source. The pack of a run that goes on stays.
func TestCollectDeadRun(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(9), pageSize: 3}
	b := newBench(t, p, anyConfig)
	b.Log.CutAfter(2) // the claim, and one page without its end
	if err := b.once(); !errors.Is(err, domain.ErrUnknownFate) {
		t.Fatalf("got %v, want the run cut", err)
	}
	b.Log.Heal()
	before := b.Packs.Names()
	c := b.collector(time.Hour)
	b.collect(c)
	if diff := cmp.Diff(before, b.Packs.Names()); diff != "" || len(before) == 0 {
		t.Errorf("packs of a run that may go on (-want +got):\n%s", diff)
	}
	src := b.Source(b.source)
	if _, err := service(b.World, p).CancelJob(t.Context(), ingest.JobRequest{Owner: "owner-1", Job: src.Jobs[0].ID}); err != nil {
		t.Fatal(err)
	}
	stray := fmt.Sprintf("packs/%s/%d-%s/0", b.source, src.Run+1, src.RunID) // of a claim that is not folded yet
	w, err := b.Packs.Create(t.Context(), stray)
	if err == nil {
		err = keep(t.Context(), w, "x")
	}
	if err != nil {
		t.Fatal(err)
	}
	b.collect(c)
	want := append(b.namedPacks(), stray)
	slices.Sort(want)
	if diff := cmp.Diff(want, b.Packs.Names()); diff != "" {
		t.Errorf("packs (-want +got):\n%s", diff)
	}
}

func keep(ctx context.Context, w domain.PackWriter, text string) error {
	s, err := w.Stage(ctx, strings.NewReader(text))
	if err != nil {
		return err
	}
	if _, err := w.Keep(s); err != nil {
		return err
	}
	return w.Commit(ctx)
}
