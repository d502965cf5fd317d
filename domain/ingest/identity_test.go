package ingest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// A titled is a provider that tells which object its scope leads to.
type titled struct {
	*provider
	key  string
	now  domain.ObjectState
	seen []string // keys that its scopes had
}

func (n *titled) Validate(_ context.Context, s domain.Scope) (domain.Identity, error) {
	n.seen = append(n.seen, s.ExternalKey)
	return domain.Identity{ExternalKey: n.key, Name: "titled", State: n.now}, nil
}

// A name that leads to another object by now is not followed: nothing of the other
// one is told, nothing of the source is removed, and it is the same source again
// when the name leads back.
func TestNameOfAnotherObject(t *testing.T) {
	t.Parallel()

	p := &titled{provider: &provider{files: tree(5)}, key: "one"}
	b := newBench(t, p, anyConfig)
	b.run()
	p.key, p.files = "another", map[string]string{"secret": "of another object"}
	for _, mode := range []domain.SyncMode{domain.SyncIncremental, domain.SyncFull} {
		b.Request(b.source, mode)
		if err := b.once(); !errors.Is(err, domain.ErrGone) {
			t.Errorf("%s: got %v, want ErrGone", mode, err)
		}
	}
	if s := b.Source(b.source); s.Totals.Files != 5 || s.Failure == nil || s.Failure.Code != domain.CodeGone {
		t.Errorf("got source %+v, want its five files, and that it is gone", s)
	}
	p.key, p.files = "one", tree(5)
	if got := b.sync(domain.SyncFull); len(got) != 0 {
		t.Errorf("got %q once the name leads back, want nothing", got)
	}
	for _, key := range p.seen[1:] { // the first one connects
		if key != "one" {
			t.Errorf("got a scope with the key %q, want the one of the source", key)
		}
	}
}

// How the object is at its provider is on the log once for each change, also when
// the sync fails behind looking, and no file is told of for it.
func TestStateOfTheObject(t *testing.T) {
	t.Parallel()

	p := &titled{provider: &provider{files: tree(5)}, key: "one", now: domain.ObjectState{Name: "octo/hello", Visibility: "public"}}
	b := newBench(t, p, anyConfig)
	b.run()
	renamed := domain.ObjectState{Name: "octo/renamed", URL: "https://example.com/octo/renamed", Visibility: "private", Archived: true}
	for i, now := range []domain.ObjectState{p.now, renamed, renamed} {
		p.now = now
		if got := b.sync(domain.SyncIncremental); len(got) != 0 {
			t.Errorf("got %q told of a repository whose files are the same", got)
		}
		if got := b.Source(b.source).Object; got == nil || *got != now {
			t.Errorf("%d: got %+v, want %+v", i, got, now)
		}
	}
	if got := b.states(); len(got) != 2 || got[0].Name != "octo/hello" || got[1] != renamed {
		t.Errorf("got %+v on the log, want each state once", got)
	}
	p.now.Archived = false
	p.breakAt, p.breakWith = 1, domain.ErrPartial
	b.Request(b.source, domain.SyncFull)
	if err := b.once(); !errors.Is(err, domain.ErrPartial) {
		t.Fatalf("got %v", err)
	}
	if got := b.Source(b.source).Object; got == nil || got.Archived {
		t.Errorf("got %+v behind a sync that failed, want what it had seen", got)
	}
}

// states are those of the object on the log.
func (b *bench) states() []domain.ObjectState {
	var all []domain.ObjectState
	for _, r := range b.Log.Records(b.source) {
		if e, ok := r.Event.(domain.SourceChanged); ok && e.Object != nil {
			all = append(all, *e.Object)
		}
	}
	return all
}
