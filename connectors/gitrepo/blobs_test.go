package gitrepo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// What is larger than the source wants is not fetched, neither at first nor by
// the way: no later command asks the server for it.
func TestLargeFilesAreNotFetched(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.scope.Config = json.RawMessage(`{"maxFileSize":1000}`)
	w.repo.Commit("main",
		gittest.Put("at the limit", strings.Repeat("x", 1000)), gittest.Put("above", strings.Repeat("y", 1001)),
		gittest.Put("huge", strings.Repeat("z", 100_000)))
	from, l := w.start(), w.list()
	if l.items["at the limit"].Size != 1000 || l.items["above"].Size <= 1000 || l.items["huge"].Size <= 1000 {
		t.Errorf("got sizes %d, %d, %d", l.items["at the limit"].Size, l.items["above"].Size, l.items["huge"].Size)
	}
	w.server.Requests()
	for _, name := range []string{"above", "huge"} {
		if got, err := w.read(l.items[name]); !errors.Is(err, domain.ErrTooLarge) {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
	if n := len(w.server.Requests()); n > 0 {
		t.Errorf("got %d requests for what was left out", n)
	}
	w.repo.Commit("main", gittest.Rename("huge", "moved"), gittest.Put("above", strings.Repeat("y", 2000)+"!"),
		gittest.Rename("at the limit", "renamed"), gittest.Put("new", strings.Repeat("z", 3000)))
	f := w.follow(from)
	if got := string(f.items["moved"].MovedFrom); got != "huge" {
		t.Errorf("got moved from %q, want huge", got)
	}
	if got := string(f.items["renamed"].MovedFrom); got != "at the limit" {
		t.Errorf("got moved from %q, want at the limit", got)
	}
	apply(l.items, f.pages)
	w.check(l.items, "main")
	if pack := w.packed(); pack > 20_000 {
		t.Errorf("got %d bytes of packs", pack)
	}
}

// packed is the size of all packs of the world.
func (w *world) packed() (size int64) {
	w.t.Helper()
	names, err := filepath.Glob(filepath.Join(w.scope.Cache, "repo/git/objects/pack/*.pack"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			size += info.Size()
		}
	}
	return size
}

// A file that was renamed and edited is known again although others, which were
// left out for their size, came and went in the same commit.
func TestSimilarFilesBesideLargeOnes(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.scope.Config = json.RawMessage(`{"maxFileSize":1000}`)
	text := strings.Repeat("a line\nanother one\n", 20)
	large := func(c string) string { return strings.Repeat(c+"\n", 2000) }
	w.repo.Commit("main", gittest.Put("a", text), gittest.Put("large", large("x")), gittest.Put("same", large("s")))
	from := w.start()
	w.list()
	w.repo.Commit("main", gittest.Remove("a"), gittest.Put("b", text+"edited\n"), gittest.Remove("large"), gittest.Put("larger", large("y")), gittest.Rename("same", "equal"))
	f := w.follow(from)
	for to, old := range map[string]string{"b": "a", "equal": "same", "larger": ""} {
		if got := string(f.items[to].MovedFrom); got != old {
			t.Errorf("%s: got moved from %q, want %q", to, got, old)
		}
	}
}

// A limit that was raised means other content: the cache of the old one is of no
// use.
func TestLimitIsRaised(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.scope.Config = json.RawMessage(`{"maxFileSize":10}`)
	w.repo.Commit("main", gittest.Put("a", strings.Repeat("x", 1000)))
	w.list()
	for _, config := range []string{`{"maxFileSize":1000}`, `{"maxFileSize":0}`} {
		w.scope.Config = json.RawMessage(config)
		if got, err := w.read(w.list().items["a"]); err != nil || len(got) != 1000 {
			t.Errorf("%s: got %d bytes, %v", config, len(got), err)
		}
	}
}

func TestFetchAll(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.scope.Config = json.RawMessage(`{"maxFileSize":100}`)
	w.repo.Commit("main", gittest.Put("a", "one"), gittest.Put("b", ""), gittest.Put("large", strings.Repeat("x", 200)), gittest.Put("c", strings.Repeat("y", 90)))
	items := w.list().items
	refs := []domain.ItemRef{
		items["a"].Ref(), items["large"].Ref(), items["b"].Ref(), {Path: []byte("x"), Version: "HEAD", Size: 1},
		{Path: []byte("x"), Version: other, Size: 1}, items["c"].Ref(), items["a"].Ref(),
	}
	got := make([]string, len(refs))
	err := w.source.FetchAll(t.Context(), w.scope, refs, func(i int, c domain.Content, err error) error {
		switch {
		case errors.Is(err, domain.ErrTooLarge):
			got[i], err = "too large", nil
		case errors.Is(err, domain.ErrGone):
			got[i], err = "gone", nil
		case err != nil:
			return err
		case i == 5: // not read to its end
			_, err = io.ReadFull(c.Body, make([]byte, 10))
			got[i] = "part"
		default:
			var b []byte
			b, err = io.ReadAll(c.Body)
			got[i] = string(b) + "@" + c.Version[:4]
		}
		return err
	})
	want := fmt.Sprint([]string{"one@" + refs[0].Version[:4], "too large", "@" + refs[2].Version[:4], "gone", "gone", "part", "one@" + refs[0].Version[:4]})
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if err := w.source.FetchAll(t.Context(), w.scope, refs, func(int, domain.Content, error) error { return errStop }); err != errStop { //nolint:errorlint // as it is
		t.Errorf("got %v, want the error of take as it is", err)
	}
}

// A cache that lost a pack must not make its files look left out.
func TestPackIsLost(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "one"))
	from := w.start()
	w.list()
	w.repo.Commit("main", gittest.Put("b", "two"))
	names, err := filepath.Glob(filepath.Join(w.scope.Cache, "repo/git/objects/pack/*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("got %q, %v", names, err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	f := w.follow(from)
	if f.items["b"].Size != 3 || len(f.items) != 1 {
		t.Errorf("got %+v", f.items)
	}
	w.check(w.list().items, "main")
}

// A cache whose packs hold something else is thrown away where it is noticed, and
// nothing is taken for removed.
func TestPackIsDamaged(t *testing.T) {
	t.Parallel()

	damage := func(w *world) {
		names, err := filepath.Glob(filepath.Join(w.scope.Cache, "repo/git/objects/pack/*.pack"))
		if err != nil || len(names) == 0 {
			t.Fatalf("got %q, %v", names, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err == nil {
				err = os.Chmod(name, 0o600)
			}
			for i := 12; i < len(b)-20; i++ {
				b[i] = 0xff
			}
			if err = errors.Join(err, os.WriteFile(name, b, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := map[string]func(w *world, from domain.Cursor, item domain.Item) error{
		"listing": func(w *world, _ domain.Cursor, _ domain.Item) error {
			return w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, newListing(t))
		},
		"changes": func(w *world, from domain.Cursor, _ domain.Item) error {
			return w.source.Changes(t.Context(), w.scope, from, newListing(t))
		},
		"content": func(w *world, _ domain.Cursor, item domain.Item) error { _, err := w.read(item); return err },
		"all content": func(w *world, _ domain.Cursor, item domain.Item) error {
			return w.source.FetchAll(t.Context(), w.scope, []domain.ItemRef{item.Ref()}, func(_ int, c domain.Content, err error) error {
				if err == nil {
					_, err = io.Copy(io.Discard, c.Body)
				}
				return err
			})
		},
	}
	for name, use := range tests {
		w := newWorld(t)
		w.repo.Commit("main", many(20)...)
		from, l := w.start(), w.list()
		w.repo.Commit("main", gittest.Put("dir/0001", "edited"))
		w.follow(from)
		damage(w)
		if err := use(w, from, l.items["dir/0007"]); !errors.Is(err, domain.ErrTransient) {
			t.Errorf("%s: got %v, want ErrTransient", name, err)
		}
		w.check(w.list().items, "main")
	}
}

// Many pushes leave a small cache.
func TestCacheStaysSmall(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.source.Client.SetPacks(3)
	w.scope.Config = json.RawMessage(`{"maxFileSize":10000}`)
	w.repo.Commit("main", append(many(30), gittest.Put("large", strings.Repeat("x", 20_000)))...)
	from, l := w.start(), w.list()
	for i := range 8 {
		w.repo.Commit("main", gittest.Put("dir/0003", fmt.Sprint("edit ", i)), gittest.Put(fmt.Sprint("large", i), strings.Repeat(fmt.Sprint(i), 20_000)))
		f := w.follow(from)
		apply(l.items, f.pages)
		from = f.cursor
	}
	w.check(l.items, "main")
	for path, item := range l.items {
		if strings.HasPrefix(path, "large") {
			continue
		}
		if got, err := w.read(item); err != nil || got != w.repo.Blob(item.Version) {
			t.Errorf("%s: got %q, %v", path, got, err)
		}
	}
	packs, _ := filepath.Glob(filepath.Join(w.scope.Cache, "repo/git/objects/pack/*.pack"))
	if len(packs) > 4 {
		t.Errorf("got %d packs", len(packs))
	}
	shallow, err := os.ReadFile(filepath.Join(w.scope.Cache, "repo/git/shallow"))
	if err != nil || strings.Count(string(shallow), "\n") > 2 {
		t.Errorf("got shallow %q, %v", shallow, err)
	}
}

func TestDiskIsLimited(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.source.Client = newClient(t, gitrepo.Options{MaxDisk: 1000})
	var edits []gittest.Edit
	for i := range 5000 {
		edits = append(edits, gittest.Put(fmt.Sprint(i), fmt.Sprint(i)))
	}
	w.repo.Commit("main", edits...)
	err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, newListing(t))
	if !errors.Is(err, domain.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}
