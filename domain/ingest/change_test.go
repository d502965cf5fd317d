package ingest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// changing is a bench with a service and the owner of its source.
func changing(t *testing.T, p *provider) (*bench, *ingest.Service, ingest.ChangeRequest) {
	t.Helper()
	b := newBench(t, p, anyConfig)
	return b, service(b.World, p), ingest.ChangeRequest{Owner: b.Source(b.source).Owner, Source: b.source}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()

	b, s, req := changing(t, &provider{files: tree(5)})
	req.Key = "p"
	if a, err := s.Pause(t.Context(), req); err != nil || !a.Source.Paused {
		t.Fatalf("got %+v, %v, want it paused", a.Source, err)
	}
	if err := b.once(); err != nil || len(b.Log.Files(b.source)) != 0 || len(b.Source(b.source).Jobs) != 1 {
		t.Errorf("got error %v, %d files, want no run while paused and the job open", err, len(b.Log.Files(b.source)))
	}
	resume := req
	resume.Key = ""
	if a, err := s.Resume(t.Context(), resume); err != nil || a.Source.Paused {
		t.Errorf("got %+v, %v, want it resumed", a.Source, err)
	}
	if a, err := s.Pause(t.Context(), req); err != nil || a.Source.Paused {
		t.Errorf("got %+v, %v for the repeated pause, want that it does not pause again", a.Source, err)
	}
	b.run()
}

// A run that works stops behind its page, and goes on after the pause.
func TestPauseDuringARun(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(30), pageSize: 10}
	b, s, req := changing(t, p)
	var once sync.Once
	p.fetching = func() {
		once.Do(func() {
			if _, err := s.Pause(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	if err := b.once(); err == nil {
		t.Error("got no error from a run that was paused")
	}
	if src := b.Source(b.source); src.Failure != nil || len(src.Jobs) != 1 || len(b.Log.Files(b.source)) != 10 {
		t.Errorf("got failure %v, %d jobs, %d files, want the job open behind one page", src.Failure, len(src.Jobs), len(b.Log.Files(b.source)))
	}
	if _, err := s.Resume(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	b.run()
	if diff := cmp.Diff(p.files, b.Tree(b.source)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// A narrowed scope removes at once what it leaves out, whatever its share; a widened
// one brings it back under its id.
func TestUpdate(t *testing.T) {
	t.Parallel()

	b, s, req := changing(t, &provider{files: tree(60), pageSize: 20})
	b.run()
	before := b.ids()
	update := func(config string) {
		t.Helper()
		if _, err := s.Update(t.Context(), ingest.UpdateRequest{Owner: req.Owner, Source: req.Source, Config: []byte(config)}); err != nil {
			t.Fatal(err)
		}
		e, due := b.Source(b.source).Due(b.Clock.Now(), time.Time{})
		if !due || e.Trigger != domain.TriggerUpdate {
			t.Fatalf("got due %v by %q, want it due by the update", due, e.Trigger)
		}
		b.append(e, nil)
		b.run()
	}
	b.engine.Connectors = ingest.Connectors{&sameKey{&provider{files: tree(60), pageSize: 20}}}
	s.Connectors = b.engine.Connectors
	update(`{"root":"r","includePaths":["dir0"]}`)
	if got := len(b.Tree(b.source)); got != 20 {
		t.Errorf("got %d files, want the 20 of dir0", got)
	}
	update(`{"root":"r"}`)
	if diff := cmp.Diff(before, b.ids()); diff != "" {
		t.Errorf("ids once all is back (-want +got):\n%s", diff)
	}
	name := "new name"
	a, err := s.Update(t.Context(), ingest.UpdateRequest{Owner: req.Owner, Source: req.Source, Name: &name})
	if err != nil || a.Source.Name != name {
		t.Errorf("got %q, %v, want the new name", a.Source.Name, err)
	}
	if _, due := b.Source(b.source).Due(b.Clock.Now(), time.Time{}); due {
		t.Error("a new name makes the source due")
	}
}

// sameKey is a provider whose filters do not make another thing of it.
type sameKey struct{ *provider }

func (p *sameKey) Validate(_ context.Context, s domain.Scope) (domain.Identity, error) {
	if strings.Contains(string(s.Config), "other") {
		return domain.Identity{ExternalKey: "other"}, nil
	}
	return domain.Identity{ExternalKey: anyConfig}, nil
}

func TestUpdateToAnotherThing(t *testing.T) {
	t.Parallel()

	b, s, req := changing(t, &provider{files: tree(5)})
	s.Connectors = ingest.Connectors{&sameKey{&provider{}}}
	_, err := s.Update(t.Context(), ingest.UpdateRequest{Owner: req.Owner, Source: b.source, Config: []byte(`{"root":"other"}`)})
	var invalid *domain.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "config" {
		t.Errorf("got %v, want an error naming config", err)
	}
}

func TestCancelAndRetry(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(5), breakAt: 1, breakWith: domain.ErrTransient}
	b, s, req := changing(t, p)
	job := ingest.JobRequest{Owner: req.Owner, Job: b.Source(b.source).Jobs[0].ID}
	if err := b.once(); err == nil {
		t.Fatal("got no error from a broken listing")
	}
	if src := b.Source(b.source); src.Jobs[0].RetryAt.IsZero() {
		t.Fatal("the job does not wait for its next attempt")
	}
	if _, err := s.RetryJob(t.Context(), job); err != nil || !b.Source(b.source).Jobs[0].RetryAt.IsZero() {
		t.Errorf("got %v, %+v, want the job to go on now", err, b.Source(b.source).Jobs[0])
	}
	if _, err := s.CancelJob(t.Context(), job); err != nil || len(b.Source(b.source).Jobs) != 0 {
		t.Errorf("got %v, %+v, want no open job", err, b.Source(b.source).Jobs)
	}
	if _, err := s.CancelJob(t.Context(), job); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("got %v for a job that has ended, want ErrConflict", err)
	}
	foreign := job
	foreign.Owner = "mallory"
	for _, do := range []func(context.Context, ingest.JobRequest) (ingest.Accepted, error){s.CancelJob, s.RetryJob} {
		if _, err := do(t.Context(), foreign); !errors.Is(err, domain.ErrJobNotFound) {
			t.Errorf("got %v for another owner's job, want ErrJobNotFound", err)
		}
	}
	p.breakAt = 0
	if _, err := s.RetryJob(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	b.run()
	if len(b.Tree(b.source)) != 5 {
		t.Errorf("got %d files, want 5", len(b.Tree(b.source)))
	}
}

// What the valve holds passes after a release, as a fresh listing finds it.
func TestRelease(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(60), pageSize: 20}
	b, s, req := changing(t, p)
	b.run()
	if _, err := s.ReleaseDeletes(t.Context(), req); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("got %v with nothing held, want ErrConflict", err)
	}
	p.files = tree(10)
	b.sync(domain.SyncIncremental)
	p.files = tree(12) // two are back before the release
	if a, err := s.ReleaseDeletes(t.Context(), req); err != nil || a.Source.Held != nil || !a.Job.Release {
		t.Fatalf("got %+v, %v", a, err)
	}
	if got := b.run(); len(got) != 48 {
		t.Errorf("got %d events, want 48 removals", len(got))
	}
}

// What says nothing of what a source holds lists nothing anew and asks for no sync.
func TestUpdateBesidesTheScope(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		config string
		relist bool
	}{
		"a schedule":        {config: `{"root":"r","syncSchedule":"0 3 * * *"}`},
		"no watch":          {config: `{"root":"r","watch":false}`},
		"an address":        {config: `{"root":"r","uri":"https://example.org/r"}`},
		"all of them":       {config: `{"root":"r","syncSchedule":"@daily","uri":"https://example.org/r","watch":true}`},
		"a filter":          {config: `{"excludePaths":["nothing"],"root":"r"}`, relist: true},
		"both":              {config: `{"excludePaths":["nothing"],"root":"r","watch":false}`, relist: true},
		"another file size": {config: `{"maxFileSize":0,"root":"r"}`, relist: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := &provider{files: tree(3)}
			b := newBench(t, rooted{&fed{provider: p}}, anyConfig)
			b.run()
			epoch := b.Source(b.source).Cursor.Epoch
			b.append(b.Source(b.source).Update("name", []byte(tt.config), b.Clock.Now()))
			src := b.Source(b.source)
			if _, due := src.Due(b.Clock.Now(), time.Time{}); due != tt.relist {
				t.Errorf("got due %t, want %t", due, tt.relist)
			}
			b.sync(domain.SyncIncremental)
			if relisted := b.Source(b.source).Cursor.Epoch != epoch; relisted != tt.relist {
				t.Errorf("got a listing %t, want %t", relisted, tt.relist)
			}
		})
	}
}

// rooted is a provider of one object, whatever else its options say.
type rooted struct{ *fed }

func (rooted) Validate(context.Context, domain.Scope) (domain.Identity, error) {
	return domain.Identity{ExternalKey: "r", Name: "memory"}, nil
}
