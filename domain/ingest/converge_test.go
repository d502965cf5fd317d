package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// With every webhook dropped the rows equal the provider one poll interval after the
// last look, and not before: a change waits that long at most.
func TestPollConverges(t *testing.T) {
	t.Parallel()

	const interval = 45 * time.Second
	p := &probed{provider: &provider{files: tree(3)}}
	b := newBench(t, p, anyConfig)
	poller, scheduler := b.poller(p), b.scheduler(newQueue())
	b.run()
	for round := range 3 {
		p.files["new.txt"], p.changed = fmt.Sprint("round ", round), true // right behind the last look
		for _, turn := range []time.Duration{interval - time.Second, time.Second} {
			b.Clock.Turn(turn)
			if err := poller.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := scheduler.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			if due := len(b.Source(b.source).Jobs) == 1; due != (turn == time.Second) {
				t.Fatalf("round %d: got %v behind %s, want a job at the end of the interval", round, due, turn)
			}
		}
		b.run()
		p.changed = false
		if diff := cmp.Diff(p.files, b.Tree(b.source)); diff != "" {
			t.Errorf("round %d: tree after one interval (-provider +rows):\n%s", round, diff)
		}
	}
}

// A delivery to a paused source is kept: no job begins, and once the source goes on
// one looks after it.
func TestWebhookWhilePaused(t *testing.T) {
	t.Parallel()

	conn := hooked{&provider{files: map[string]string{}}}
	d := newDesk(t)
	d.source = d.world.Connect(domain.Source{Provider: "memory", Owner: "alice", Config: []byte(anyConfig), ExternalKey: anyConfig})
	b := &bench{World: d.world, t: t, source: d.source.ID, engine: &ingest.Engine{
		Log: d.world.Log, Index: d.world.Rows, Folds: d.world.Rows, Packs: d.world.Packs, Events: d.world.Log, Clock: d.world.Clock,
		Connectors: ingest.Connectors{conn}, Cache: t.TempDir(),
	}}
	b.run()
	s, queue := service(d.world, conn), newQueue()
	who := ingest.ChangeRequest{Owner: d.source.Owner, Source: d.source.ID}
	if _, err := s.Pause(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	jobs := func() []domain.Job {
		t.Helper()
		if err := b.scheduler(queue).Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		return b.Source(b.source).Jobs
	}
	got, err := d.Take(t.Context(), arrival("", shared, "d-1", payload{Keys: []string{anyConfig}, Event: "push"}))
	if err != nil || got.Hints != 1 {
		t.Errorf("got %+v, %v, want a hint as ever", got, err)
	}
	d.wantHints(t, 1)
	if open := jobs(); len(open) != 0 {
		t.Errorf("got jobs %+v of a paused source", open)
	}
	if _, err := s.Resume(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	if open := jobs(); len(open) != 1 || open[0].Trigger != domain.TriggerHint || open[0].ID != got.Job {
		t.Errorf("got jobs %+v, want %s, which looks after the hint", open, got.Job)
	}
}
