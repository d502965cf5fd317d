package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

// A bulky is a provider that reads many items at once.
type bulky struct {
	*provider
	calls    int
	reverse  bool
	bad      map[string]error // of single items
	changing map[string]bool  // their bodies end early
	breakAt  int              // fail behind that many items; 0: never
	broken   error
	forget   bool // never comes to the last item
	single   []string
}

func (p *bulky) Fetch(ctx context.Context, s domain.Scope, ref domain.ItemRef) (domain.Content, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.single = append(p.single, string(ref.Path))
	if err := p.bad[string(ref.Path)]; err != nil {
		return domain.Content{}, err
	}
	return domain.Content{Body: io.NopCloser(strings.NewReader(p.files[string(ref.Path)]))}, nil
}

func (p *bulky) Snapshot(ctx context.Context, s domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	return p.provider.Snapshot(ctx, s, resume, unlocked{p, sink})
}

// unlocked lets single fetches in while a page is resolved.
type unlocked struct {
	p    *bulky
	sink domain.Sink
}

func (u unlocked) Page(ctx context.Context, p domain.Page) error {
	u.p.mu.Unlock()
	defer u.p.mu.Lock()
	return u.sink.Page(ctx, p)
}

func (p *bulky) FetchAll(_ context.Context, _ domain.Scope, refs []domain.ItemRef, take func(int, domain.Content, error) error) error {
	p.calls++
	order := make([]int, len(refs))
	for i := range refs {
		order[i] = i
	}
	if p.reverse {
		slices.Reverse(order)
	}
	if p.forget {
		order = order[:len(order)-1]
	}
	for n, i := range order {
		if p.breakAt > 0 && n == p.breakAt {
			return p.broken
		}
		c, err := domain.Content{Body: io.NopCloser(strings.NewReader(p.files[string(refs[i].Path)]))}, p.bad[string(refs[i].Path)]
		if p.changing[string(refs[i].Path)] {
			c.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), broken{domain.ErrChanging}))
		}
		if err := take(i, c, err); err != nil {
			return err
		}
	}
	return nil
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// What is read in bulk becomes the same events as what is read one by one.
func TestBulkFetch(t *testing.T) {
	t.Parallel()

	files := tree(40)
	files["main.go"], files["blob.bin"] = "package main\n", "\x00\x01\x02"
	plain := newBench(t, &provider{files: files, pageSize: 15}, anyConfig)
	plain.run()
	for name, p := range map[string]*bulky{
		"in order":                     {},
		"in reverse":                   {reverse: true},
		"broken in the middle":         {breakAt: 7, broken: errors.New("the pipe broke")},
		"one is never come to":         {forget: true},
		"one changes while it is read": {changing: map[string]bool{"main.go": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p.provider = &provider{files: files, pageSize: 15}
			b := newBench(t, p, anyConfig)
			if err := b.once(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shape(plain), shape(b)); diff != "" {
				t.Errorf("files (-one by one +in bulk):\n%s", diff)
			}
			if diff := cmp.Diff(files, b.Tree(b.source)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if p.calls != 3 {
				t.Errorf("got %d bulk fetches, want one for each page", p.calls)
			}
			if all := name == "in order" || name == "in reverse"; all != (len(p.single) == 0) {
				t.Errorf("got %q read one by one", p.single)
			}
		})
	}
}

// shape is what the events of b say of each file, without where the bytes lie.
func shape(b *bench) []string {
	var out []string
	for _, e := range b.Log.Files(b.source) {
		out = append(out, fmt.Sprint(e.Seq, e.Change, e.Path, e.Language, e.MediaType, e.Content.SHA256, e.Content.Size, e.Attributes))
	}
	return out
}

// One bad item never fails the page; what every item would meet ends the run.
func TestBulkFetchFailures(t *testing.T) {
	t.Parallel()

	p := &bulky{provider: &provider{files: tree(10), pageSize: 10}, bad: map[string]error{
		"dir0/file000.txt": errors.New("corrupt object"), "dir1/file001.txt": domain.ErrTooLarge,
	}}
	b := newBench(t, p, anyConfig)
	if got := b.run(); len(got) != 8 {
		t.Errorf("got %q, want all but the bad ones", got)
	}
	for _, broken := range []error{domain.ErrTransient, domain.ErrUnauthorized, &domain.RateLimitedError{Until: b.Clock.Now()}} {
		p := &bulky{provider: &provider{files: tree(10), pageSize: 10}, breakAt: 3, broken: broken}
		b := newBench(t, p, anyConfig)
		if err := b.once(); !errors.Is(err, broken) || len(b.Log.Files(b.source)) != 0 || len(p.single) != 0 {
			t.Errorf("got %v, %d files, %d single fetches for %v", err, len(b.Log.Files(b.source)), len(p.single), broken)
		}
	}
}

// Items that are more than a page holds in memory come through in either order: the
// reader waits until what it has read is handed on, but never for what it has yet
// to give.
func TestBulkFetchOfBigItems(t *testing.T) {
	t.Parallel()

	big := strings.Repeat("x", 30<<20)
	p := &bulky{provider: &provider{files: map[string]string{"a": big, "b": big + "b", "c": big + "c", "d": "d"}, pageSize: 10}}
	b := newBench(t, p, `{"root":"r","maxFileSize":0}`)
	if got := b.run(); len(got) != 4 {
		t.Errorf("got %q", got)
	}
	p.reverse = true
	for k := range p.files {
		p.files[k] += "more"
	}
	if got := b.sync(domain.SyncFull); len(got) != 4 {
		t.Errorf("got %q", got)
	}
}
