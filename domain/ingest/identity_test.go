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
	seen []string // keys that its scopes had
}

func (n *titled) Validate(_ context.Context, s domain.Scope) (domain.Identity, error) {
	n.seen = append(n.seen, s.ExternalKey)
	return domain.Identity{ExternalKey: n.key, Name: "titled"}, nil
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
