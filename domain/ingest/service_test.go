package ingest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

func keys(tree map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(tree)), ",")
}

func request(key string) ingest.ConnectRequest {
	return ingest.ConnectRequest{Owner: "alice", Provider: "mem", Config: []byte(`{ "root": "r" }`), Key: key}
}

func TestConnect(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	s := service(w, &provider{})
	got, err := s.Connect(t.Context(), request(""))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Folded || got.Source.Provider != "memory" || got.Source.Name != "memory" || got.Source.Owner != "alice" || string(got.Source.Config) != `{"root":"r"}` {
		t.Errorf("got %+v", got)
	}
	if job, ok := got.Source.OpenJob(got.Job.ID); !ok || job.Trigger != domain.TriggerConnect {
		t.Errorf("got job %+v, want the open one of the connection", got.Job)
	}
	_, err = s.Connect(t.Context(), request(""))
	var already *domain.AlreadyConnectedError
	if !errors.As(err, &already) || already.Source != got.Source.ID {
		t.Errorf("got %v for the same again, want that it is connected as %s", err, got.Source.ID)
	}
	other := request("")
	other.Owner = "bob"
	if o, err := s.Connect(t.Context(), other); err != nil || o.Source.ID == got.Source.ID {
		t.Errorf("got %v, %v for another owner, want a source of its own", o.Source.ID, err)
	}
}

// Wherever a connect is cut, trying it again under its key, or anew, ends in one
// source that is complete.
func TestConnectCut(t *testing.T) {
	t.Parallel()

	for cut := range 3 {
		for _, key := range []string{"", "key-1"} {
			w := connectortest.NewWorld(t)
			s := service(w, &provider{})
			w.Log.CutAfter(cut)
			first, err := s.Connect(t.Context(), request(key))
			w.Log.Heal()
			again, err2 := s.Connect(t.Context(), request(key))
			var already *domain.AlreadyConnectedError
			switch {
			case cut < 2 && err == nil:
				t.Errorf("cut %d: got no error from a cut connect", cut)
			case key != "" && err2 != nil:
				t.Errorf("cut %d: got error %v under the same key", cut, err2)
			case key == "" && !errors.As(err2, &already):
				t.Errorf("cut %d: got error %v, want that it is connected", cut, err2)
			case key != "" && err == nil && again.Source.ID != first.Source.ID:
				t.Errorf("cut %d: got two sources under one key", cut)
			}
			n := 0
			for src, err := range w.Rows.Candidates(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				if e, due := src.Due(w.Clock.Now(), w.Clock.Now().Add(1)); len(src.Jobs) == 0 && !due {
					t.Errorf("cut %d: the source has no job and is not due: %+v", cut, e)
				}
			}
			if n != 1 {
				t.Errorf("cut %d, key %q: got %d sources, want 1", cut, key, n)
			}
		}
	}
}

func TestConnectKeyReused(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	s := service(w, &provider{})
	if _, err := s.Connect(t.Context(), request("k")); err != nil {
		t.Fatal(err)
	}
	other := request("k")
	other.Config = []byte(`{"root":"other"}`)
	_, err := s.Connect(t.Context(), other)
	var invalid *domain.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "Idempotency-Key" {
		t.Errorf("got %v, want an error naming Idempotency-Key", err)
	}
}

func TestRequestSync(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	s := service(b.World, &provider{})
	owner := b.Source(b.source).Owner
	sync := func(key string, mode domain.SyncMode) (ingest.Accepted, error) {
		return s.RequestSync(t.Context(), ingest.SyncRequest{Owner: owner, Source: b.source, Mode: mode, Key: key})
	}
	first, err := sync("", "")
	if err != nil || first.Job.ID != b.Source(b.source).Jobs[0].ID {
		t.Fatalf("got job %v, %v, want the one that waits", first.Job.ID, err)
	}
	stronger, err := sync("k", domain.SyncFull)
	if err != nil || stronger.Job.ID != first.Job.ID || b.Source(b.source).Jobs[0].Mode != domain.SyncFull {
		t.Errorf("got %+v, %v, want the waiting job made full", stronger.Job, err)
	}
	b.run()
	if again, err := sync("k", domain.SyncFull); err != nil || again.Job.ID != first.Job.ID || len(b.Source(b.source).Jobs) != 0 {
		t.Errorf("got %v, %v for a repeated command, want its job %v and no new one", again.Job.ID, err, first.Job.ID)
	}
	if next, err := sync("", domain.SyncIncremental); err != nil || next.Job.ID == first.Job.ID {
		t.Errorf("got %v, %v, want a new job", next.Job.ID, err)
	}
	var invalid *domain.InvalidError
	if _, err := sync("", "remove"); !errors.As(err, &invalid) || invalid.Field != "type" {
		t.Errorf("got %v, want an error naming type", err)
	}
}

// I10: another owner's source is an unknown one, whatever is asked.
func TestForeignSource(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	s := service(b.World, &provider{})
	before := len(b.Journal())
	_, syncErr := s.RequestSync(t.Context(), ingest.SyncRequest{Owner: "mallory", Source: b.source})
	_, removeErr := s.Remove(t.Context(), ingest.RemoveRequest{Owner: "mallory", Source: b.source})
	unknown, err := domain.NewSourceID()
	if err != nil {
		t.Fatal(err)
	}
	_, unknownErr := s.Remove(t.Context(), ingest.RemoveRequest{Owner: "mallory", Source: unknown})
	for _, err := range []error{syncErr, removeErr, unknownErr} {
		if !errors.Is(err, domain.ErrSourceNotFound) {
			t.Errorf("got %v, want ErrSourceNotFound", err)
		}
	}
	if got := len(b.Journal()); got != before {
		t.Errorf("got %d new events, want none", got-before)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	s := service(b.World, &provider{})
	b.run()
	owner := b.Source(b.source).Owner
	got, err := s.Remove(t.Context(), ingest.RemoveRequest{Owner: owner, Source: b.source, Key: "k"})
	if err != nil || !got.Source.Removing || got.Job.Mode != domain.SyncRemove {
		t.Fatalf("got %+v, %v", got, err)
	}
	if again, err := s.Remove(t.Context(), ingest.RemoveRequest{Owner: owner, Source: b.source, Key: "k"}); err != nil || again.Job.ID != got.Job.ID {
		t.Errorf("got %v, %v for the repeated command, want job %v", again.Job.ID, err, got.Job.ID)
	}
	if _, err := s.Remove(t.Context(), ingest.RemoveRequest{Owner: owner, Source: b.source}); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("got %v for another removal, want ErrSourceNotFound", err)
	}
	b.run()
	if !b.Source(b.source).Removed {
		t.Error("the source is not removed")
	}
}

// A command that is not folded in time is accepted all the same: its event is
// durable.
func TestNotFoldedInTime(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	s := service(b.World, &provider{})
	s.Folds = never{b.Rows}
	got, err := s.RequestSync(t.Context(), ingest.SyncRequest{Owner: b.Source(b.source).Owner, Source: b.source})
	if err != nil || got.Folded || got.Job.Status != domain.JobQueued {
		t.Errorf("got %+v, %v, want it accepted and not folded", got, err)
	}
}

// never is a fold that stands still.
type never struct{ *connectortest.Rows }

func (never) Wait(ctx context.Context, _ domain.Position) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestTooFarBehind(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	s := service(b.World, &provider{})
	s.MaxLag = 1
	b.Rows.Pause()
	b.Log.Interrupt(nil)
	owner := b.Source(b.source).Owner
	s.Folds = behind{never{b.Rows}}
	if _, err := s.RequestSync(t.Context(), ingest.SyncRequest{Owner: owner, Source: b.source}); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable before anything is appended", err)
	}
}

type behind struct{ never }

func (behind) Position(context.Context, int32) (int64, error) { return 0, nil }
