package ingest_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A provider is a connector over a map. Its zero switches make it a folder in
// order; a test sets them before the first run.
type provider struct {
	mu      sync.Mutex
	files   map[string]string // path (or item id) to content
	paths   map[string]string // ByItem: item id to path
	log     []string          // keys touched, for the feed
	fetches atomic.Int64

	pageSize  int
	twice     bool              // every page comes twice
	unordered bool              // lists in reverse
	byItem    bool              // files has item ids
	links     map[string]string // symlinks: path to target
	unread    map[string]bool   // paths that cannot be opened
	torn      map[string]error  // paths whose content breaks off, and how
	moved     map[string]string // new path to the old one: hints
	breakAt   int               // fail the listing behind this page; 0: never
	breakWith error
	truncate  bool   // end the listing early, without Complete
	fetching  func() // called before each fetch; nil: nothing
	noResume  bool   // a listing cannot be resumed
	awaited   bool   // what the last listing was told
}

func (p *provider) Describe() domain.Capabilities {
	c := domain.Capabilities{
		Provider: "memory", Aliases: []domain.Provider{"mem"}, Identity: domain.ByPath, Ordered: !p.unordered && !p.byItem,
		Options: []domain.Option{{Name: "root", Kind: domain.OptionString, Required: true, Help: "Name of the tree."}},
	}
	if p.byItem {
		c.Identity = domain.ByItem
	}
	return c
}

func (p *provider) Validate(_ context.Context, s domain.Scope) (domain.Identity, error) {
	return domain.Identity{ExternalKey: string(s.Config), Name: "memory"}, nil
}

func (p *provider) item(key string) domain.Item {
	i := domain.Item{Path: []byte(key), Size: int64(len(p.files[key]))}
	if target, ok := p.links[key]; ok {
		return domain.Item{Path: []byte(key), Kind: domain.KindSymlink, Bodiless: true, Version: target}
	}
	if from, ok := p.moved[key]; ok {
		i.MovedFrom = []byte(from)
	}
	if p.byItem {
		i.ID, i.Path, i.Version = key, []byte(p.paths[key]), "v:"+p.files[key]
	}
	return i
}

func (p *provider) Snapshot(ctx context.Context, s domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited = s.Awaited
	keys := slices.Sorted(maps.Keys(p.files))
	keys = append(keys, slices.Collect(maps.Keys(p.links))...)
	slices.Sort(keys)
	if p.noResume && !resume.IsZero() {
		return domain.ErrCursorReset
	}
	from := strings.Trim(string(resume.Opaque), `"`)
	keys = slices.DeleteFunc(keys, func(k string) bool { return k <= from })
	if p.unordered {
		slices.Reverse(keys)
	}
	pages := slices.Collect(slices.Chunk(keys, max(p.pageSize, 1)))
	if len(pages) == 0 {
		pages = [][]string{nil}
	}
	for i, keys := range pages {
		page := domain.Page{Complete: i == len(pages)-1 && !p.truncate}
		for _, k := range keys {
			page.Changes = append(page.Changes, domain.Change{Item: p.item(k)})
		}
		if n := len(keys); n > 0 && !p.unordered {
			page.Next = domain.Cursor{V: 1, Opaque: fmt.Appendf(nil, "%q", keys[n-1])}
		}
		for range 1 + btoi(p.twice) {
			if err := sink.Page(ctx, page); err != nil {
				return err
			}
		}
		if p.breakAt == i+1 {
			return p.breakWith
		}
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *provider) Fetch(_ context.Context, _ domain.Scope, ref domain.ItemRef) (domain.Content, error) {
	key := string(ref.Path)
	if p.byItem {
		key = ref.ID
	}
	if p.unread[key] {
		return domain.Content{}, fmt.Errorf("open %q: permission denied", key)
	}
	p.fetches.Add(1)
	if p.fetching != nil {
		p.fetching()
	}
	body := io.Reader(strings.NewReader(p.files[key]))
	if err := p.torn[key]; err != nil {
		body = io.MultiReader(io.LimitReader(body, 4), iotest.ErrReader(err))
	}
	return domain.Content{Body: io.NopCloser(body)}, nil
}

// A fed is a provider with a feed: a list of the keys that were touched.
type fed struct {
	*provider
	lost bool // its cursors cannot be used any more
}

func (p *fed) StartCursor(context.Context, domain.Scope) (domain.Cursor, error) {
	return p.cursor(len(p.log)), nil
}

func (p *fed) cursor(n int) domain.Cursor {
	return domain.Cursor{V: 1, Kind: "feed", Opaque: fmt.Appendf(nil, "%d", n)}
}

func (p *fed) Changes(ctx context.Context, _ domain.Scope, from domain.Cursor, sink domain.Sink) error {
	var n int
	if _, err := fmt.Sscan(string(from.Opaque), &n); err != nil || p.lost {
		return domain.ErrCursorReset
	}
	for n < len(p.log) {
		keys := p.log[n:min(n+max(p.pageSize, 1), len(p.log))]
		n += len(keys)
		page := domain.Page{Next: p.cursor(n)}
		for _, k := range keys {
			_, there := p.files[k]
			page.Changes = append(page.Changes, domain.Change{Item: p.item(k), Deleted: !there})
		}
		for range 1 + btoi(p.twice) {
			if err := sink.Page(ctx, page); err != nil {
				return err
			}
		}
	}
	return nil
}

// A bench is an engine over a world.
type bench struct {
	*connectortest.World
	t      *testing.T
	engine *ingest.Engine
	source domain.SourceID
}

// newBench connects a source of conn with these filter options.
func newBench(t *testing.T, conn domain.Connector, config string) *bench {
	w := connectortest.NewWorld(t)
	b := &bench{World: w, t: t, engine: &ingest.Engine{
		Log: w.Log, Index: w.Rows, Folds: w.Rows, Packs: w.Packs, Events: w.Log, Clock: w.Clock,
		Connectors: ingest.Connectors{conn}, Cache: t.TempDir(),
	}}
	found, err := conn.Validate(t.Context(), domain.Scope{Config: []byte(config)})
	if err != nil { // it wants a credential
		found.ExternalKey = config
	}
	b.source = w.Connect(domain.Source{Provider: "memory", Config: []byte(config), ExternalKey: found.ExternalKey}).ID
	return b
}

// once runs the oldest open job once.
func (b *bench) once() error {
	b.t.Helper()
	token, err := domain.NewRunID()
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = b.engine.Run(b.t.Context(), domain.Lease{Ticket: domain.Ticket{Source: b.source}, Token: token})
	return err
}

// sync requests a sync and runs it, which must succeed. It gives the changes that
// it emitted.
func (b *bench) sync(mode domain.SyncMode) []string {
	b.t.Helper()
	b.Request(b.source, mode)
	return b.run()
}

func (b *bench) run() []string {
	b.t.Helper()
	before := len(b.Log.Files(b.source))
	if err := b.once(); err != nil {
		b.t.Fatalf("run: %v", err)
	}
	if jobs := b.Source(b.source).Jobs; len(jobs) > 0 {
		b.t.Fatalf("got open jobs %+v after a run, want none", jobs)
	}
	return lines(b.Log.Files(b.source)[before:])
}

// lines are events in short: "renamed a -> b", sorted.
func lines(events []domain.FileChanged) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = string(e.Change) + " " + e.Path
		if e.OldPath != "" {
			out[i] = string(e.Change) + " " + e.OldPath + " -> " + e.Path
		}
	}
	slices.Sort(out)
	return out
}

// ids are the live files' ids by path.
func (b *bench) ids() map[string]domain.FileID {
	ids := map[string]domain.FileID{}
	seen := map[domain.FileID]bool{}
	for f, err := range b.Rows.Live(b.t.Context(), b.source, domain.ByPath) {
		if err != nil {
			b.t.Fatal(err)
		}
		if seen[f.ID] {
			b.t.Errorf("two live files have id %s", f.ID)
		}
		seen[f.ID] = true
		ids[f.Path] = f.ID
	}
	return ids
}
