package connectortest

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// edit changes the provider of f in every way there is: one file each is
// changed, removed and new. f.Files follows.
func (f Fixture) edit() {
	paths := slices.Sorted(maps.Keys(f.Files))
	changed, removed, added := paths[0], paths[len(paths)/2], paths[1]+".added"
	f.Put(changed, "edited")
	f.Remove(removed)
	f.Put(added, "added")
	f.Files[changed], f.Files[added] = "edited", "added"
	delete(f.Files, removed)
}

func testChanges(t *testing.T, f Fixture) {
	feed, s := f.Connector.(domain.Feed), f.scope(t)
	start, err := feed.StartCursor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	checkCursor(t, start)
	held := holdings{byKey: map[string]string{}}
	held.apply(snapshot(t, f, s).pages)
	f.edit()
	got := &collector{t: t}
	if err := feed.Changes(t.Context(), s, stored(t, start), got); err != nil {
		t.Fatal(err)
	}
	held.apply(got.pages)
	if have, want := held.paths(), slices.Sorted(maps.Keys(f.Files)); !slices.Equal(have, want) {
		t.Errorf("got %d files after the changes, want %d: %q, want %q", len(have), len(want), have, want)
	}
	for _, item := range got.items() {
		checkContent(t, f, s, item)
	}
	checkCaughtUp(t, feed, s, got)
}

// checkCaughtUp wants nothing new behind the last page.
func checkCaughtUp(t *testing.T, feed domain.Feed, s domain.Scope, got *collector) {
	t.Helper()
	if len(got.pages) == 0 {
		t.Fatal("got no page of changes")
	}
	again := &collector{t: t}
	if err := feed.Changes(t.Context(), s, stored(t, got.pages[len(got.pages)-1].Next), again); err != nil {
		t.Fatal(err)
	}
	if n := len(again.items()); n > 0 {
		t.Errorf("got %d items behind the end of the feed", n)
	}
}

// holdings are what a reader of pages would hold: paths by the key of the item.
type holdings struct{ byKey map[string]string }

func (h holdings) apply(pages []domain.Page) {
	for _, p := range pages {
		for _, c := range p.Changes {
			key := c.Item.ID
			if key == "" {
				key = string(c.Item.Path)
			}
			if c.Deleted || c.Item.Bodiless {
				delete(h.byKey, key)
				continue
			}
			h.byKey[key] = string(c.Item.Path)
		}
	}
}

func (h holdings) paths() []string { return slices.Sorted(maps.Values(h.byKey)) }

func testReset(t *testing.T, f Fixture) {
	if f.Reset == nil {
		t.Fatal("a fixture of a feed needs Reset")
	}
	feed, s := f.Connector.(domain.Feed), f.scope(t)
	start, err := feed.StartCursor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	f.Reset()
	got := &collector{t: t}
	if err := feed.Changes(t.Context(), s, start, got); !errors.Is(err, domain.ErrCursorReset) {
		t.Errorf("got %v, want ErrCursorReset", err)
	}
}

func testFeedSinkError(t *testing.T, f Fixture) {
	feed, s := f.Connector.(domain.Feed), f.scope(t)
	start, err := feed.StartCursor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	f.edit()
	got := &collector{t: t, fail: errSink}
	if err := feed.Changes(t.Context(), s, start, got); err != errSink { //nolint:errorlint // as it is
		t.Errorf("got %v, want the error of the sink as it is", err)
	}
}
