package ingest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// lose deletes the pack that a file lies in and says so, as its reader would.
func (b *bench) lose(path string) {
	b.t.Helper()
	hints := &ingest.Hints{Log: b.Log, Clock: b.Clock}
	for f, err := range b.Rows.Live(b.t.Context(), b.source, domain.ByPath) {
		if err != nil {
			b.t.Fatal(err)
		}
		if f.Path != path {
			continue
		}
		b.Packs.Lose(f.Content.Ref.Pack)
		for range 3 { // many readers
			if err := hints.ContentLost(b.t.Context(), b.Source(b.source), f.ID); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

// due runs the job that the source is due for.
func (b *bench) due() []string {
	b.t.Helper()
	if err := b.scheduler(newQueue()).Once(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return b.run()
}

// readable tries to read every live file.
func (b *bench) readable() (n int) {
	b.t.Helper()
	for f, err := range b.Rows.Live(b.t.Context(), b.source, domain.ByPath) {
		if err != nil {
			b.t.Fatal(err)
		}
		if f.Content == nil {
			continue
		}
		body, err := b.Packs.Open(b.t.Context(), *f.Content)
		if err == nil {
			n++
			_ = body.Close() // in memory
		}
	}
	return n
}

// A lost pack is reported once, and one sync brings back all that was in it and
// nothing else, though no revision has changed.
func TestRestore(t *testing.T) {
	t.Parallel()

	for name, conn := range map[string]func(*provider) domain.Connector{
		"listing": func(p *provider) domain.Connector { return p },
		"feed":    func(p *provider) domain.Connector { return &fed{provider: p} },
		"by item": func(p *provider) domain.Connector { p.byItem = true; return p },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := &provider{files: tree(9), pageSize: 3, paths: map[string]string{}}
			for k := range p.files {
				p.paths[k] = k
			}
			b := newBench(t, conn(p), anyConfig)
			b.run()
			events := len(b.Log.Records(b.source))
			b.lose("dir1/file001.txt")
			if got := len(b.Log.Records(b.source)) - events; got != 1 {
				t.Errorf("got %d events of three readers, want one", got)
			}
			if got := b.readable(); got != 6 {
				t.Fatalf("got %d readable files, want 6: one pack is gone", got)
			}
			fetches := p.fetches.Load()
			got := b.due()
			want := []string{"metadata dir1/file001.txt", "metadata dir1/file004.txt", "metadata dir1/file007.txt"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if b.readable() != 9 || len(b.Source(b.source).Lost) != 0 {
				t.Errorf("got %d readable files, lost %v", b.readable(), b.Source(b.source).Lost)
			}
			if name == "feed" && p.fetches.Load()-fetches != 3 {
				t.Errorf("got %d fetches, want those of the pack", p.fetches.Load()-fetches)
			}
			if diff := cmp.Diff(tree(9), b.Tree(b.source)); diff != "" && name != "by item" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if got := b.sync(domain.SyncFull); len(got) != 0 {
				t.Errorf("got %q from the sync behind it", got)
			}
		})
	}
}

// What is gone at the provider too, or has changed there, does not stop the rest.
func TestRestoreWhatIsLeft(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(9), pageSize: 9, unread: map[string]bool{}}
	b := newBench(t, &fed{provider: p}, anyConfig)
	b.run()
	b.lose("dir0/file000.txt")
	p.unread["dir0/file003.txt"] = true
	p.files["dir0/file006.txt"] = "other bytes, and the feed does not say so"
	got := strings.Join(b.due(), ",")
	if !strings.Contains(got, "modified dir0/file006.txt") || strings.Contains(got, "file003") || b.readable() != 8 {
		t.Errorf("got %q, %d readable", got, b.readable())
	}
}

// A provider that does not answer is asked again: what is lost is not forgotten.
func TestRestoreFails(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(9), pageSize: 3}
	b := newBench(t, p, anyConfig)
	b.run()
	b.lose("dir0/file000.txt")
	if err := b.scheduler(newQueue()).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.fetching = func() {
		b.Log.CutAfter(0)
	}
	if err := b.once(); !errors.Is(err, domain.ErrUnknownFate) {
		t.Fatalf("got %v, want the page cut", err)
	}
	b.Log.Heal()
	p.fetching = nil
	b.Clock.Turn(time.Hour)
	if b.run(); b.readable() != 9 {
		t.Errorf("got %d readable files", b.readable())
	}
}
