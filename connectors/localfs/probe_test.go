//go:build linux

package localfs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/domain"
)

func (w *world) changed() bool {
	w.t.Helper()
	changed, err := w.conn.Changed(w.t.Context(), w.scope, domain.Cursor{})
	w.check(err)
	return changed
}

func TestChanged(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		change func(w *world)
		want   bool
	}{
		"nothing":                               {func(*world) {}, false},
		"a new file":                            {func(w *world) { w.put("b/new", "") }, true},
		"a new last file":                       {func(w *world) { w.put("zz", "") }, true},
		"a removed file":                        {func(w *world) { w.remove("b/file") }, true},
		"the last one removed":                  {func(w *world) { w.remove("z") }, true},
		"everything removed":                    {func(w *world) { w.check(os.RemoveAll(w.at("b"))); w.remove("a"); w.remove("link"); w.remove("z") }, true},
		"a renamed file":                        {func(w *world) { w.rename("a", "a2") }, true},
		"a renamed folder":                      {func(w *world) { w.rename("b", "c") }, true},
		"a longer file":                         {func(w *world) { w.appendTo("a", "x") }, true},
		"other bytes, time set back":            {func(w *world) { w.write("a", "CONTENT"); w.check(os.Chtimes(w.at("a"), old, old)) }, true},
		"the same bytes in another file":        {func(w *world) { w.replace("a", "content") }, true},
		"a mode":                                {func(w *world) { w.check(os.Chmod(w.at("a"), 0o755)) }, true},
		"a new link":                            {func(w *world) { w.link("a", "new") }, true},
		"a removed link":                        {func(w *world) { w.remove("link") }, true},
		"a link that leads elsewhere":           {func(w *world) { w.remove("link"); w.link("z", "link") }, true},
		"a link in place of a file":             {func(w *world) { w.remove("a"); w.link("z", "a") }, true},
		"a file in place of a folder":           {func(w *world) { w.check(os.RemoveAll(w.at("b"))); w.put("b", "") }, true},
		"an unread file":                        {func(w *world) { w.put("a", "content"); w.list() }, false},
		"an empty folder, which is no item":     {func(w *world) { w.check(os.Mkdir(w.at("c"), 0o755)) }, false},
		"a FIFO, which is none":                 {func(w *world) { w.check(syscall.Mkfifo(w.at("fifo"), 0o644)) }, false},
		"a path left out":                       {func(w *world) { w.put("b/skip/x", "") }, false},
		"the service's own folder":              {func(w *world) { w.put(".data/x", "") }, false},
		"another folder in the root's place":    {func(w *world) { w.swap("a") }, true},
		"an empty folder in the root's place":   {func(w *world) { w.swap("") }, true},
		"the cache lost":                        {func(w *world) { w.check(os.RemoveAll(w.scope.Cache)) }, true},
		"no cache":                              {func(w *world) { w.scope.Cache = "" }, true},
		"a cache from another root":             {func(w *world) { w.conn, w.scope = w.other() }, true},
		"an edit that was synced":               {func(w *world) { w.appendTo("a", "x"); w.readAll(w.list()) }, false},
		"a listing that went on in the middle":  {func(w *world) { w.put("a2", "x"); w.listBehind("a") }, true},
		"content that the journal alone knows":  {func(w *world) { w.readAll(w.list()) }, false},
		"a full listing, which trusts no cache": {func(w *world) { w.scope.Fresh = true; w.list() }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.conn = localfs.New(localfs.Options{Allowed: []string{filepath.Dir(w.dir)}, Own: []string{w.at(".data")}, Clock: w.clock})
			w.scope.Skip = func(path []byte, dir bool) bool { return dir && string(path) == "b/skip" }
			for _, path := range []string{"a", "b/file", "z"} {
				w.put(path, "content")
			}
			w.link("a", "link")
			w.readAll(w.list())
			w.list()
			tt.change(w)
			if got := w.changed(); got != tt.want {
				t.Errorf("got changed %v, want %v", got, tt.want)
			}
		})
	}
}

// other is a source with a root like that of w, and the cache of w.
func (w *world) other() (*localfs.Connector, domain.Scope) {
	w.t.Helper()
	o := newWorld(w.t)
	w.check(os.CopyFS(o.dir, os.DirFS(w.dir)))
	o.scope.Cache = w.scope.Cache
	return o.conn, o.scope
}

// listBehind lists what lies behind path in the order.
func (w *world) listBehind(path string) {
	w.t.Helper()
	w.conn.SetPage(1)
	var resume domain.Cursor
	for _, p := range w.list().pages {
		if len(p.Changes) == 1 && string(p.Changes[0].Item.Path) == path {
			resume = p.Next
		}
	}
	w.put(path+"0", "x")
	w.check(w.conn.Snapshot(w.t.Context(), w.scope, resume, newListing()))
}

// A file that changed within two seconds of being looked at could be changed
// again without a change of its stamp, unless it was read later than that.
func TestRacyFileMayHaveChanged(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		listed, read time.Duration // behind the change; read 0: never
		want         bool
	}{
		"listed at once":                            {0, 0, true},
		"listed and read 2 s later":                 {2 * time.Second, 2 * time.Second, true},
		"listed 3 s later":                          {3 * time.Second, 0, false},
		"listed at once, known from a reading then": {0, 3 * time.Second, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.put("file", "content")
			info, err := os.Stat(w.at("file"))
			w.check(err)
			if tt.read > 0 {
				w.conn = w.withClock(info.ModTime().Add(tt.read))
				w.readAll(w.list())
			}
			w.conn = w.withClock(info.ModTime().Add(tt.listed))
			w.list()
			if got := w.changed(); got != tt.want {
				t.Errorf("got changed %v, want %v", got, tt.want)
			}
		})
	}
}

// A cache that is torn never says that nothing has changed, not even when what it
// lost is gone from the root as well.
func TestTornCacheIsADifference(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put("a", "x")
	w.list()
	short, err := os.Stat(filepath.Join(w.scope.Cache, "stats"))
	w.check(err)
	w.put("b", "x")
	w.list()
	path := filepath.Join(w.scope.Cache, "stats")
	whole, err := os.ReadFile(path)
	w.check(err)
	for n := range whole {
		flipped := append([]byte{}, whole...)
		flipped[n] ^= 1 << (n % 8)
		for what, form := range map[string][]byte{"cut at": whole[:n], "wrong byte at": flipped} {
			w.check(os.WriteFile(path, form, 0o600))
			if !w.changed() {
				t.Errorf("%s %d: got no change", what, n)
			}
		}
	}
	w.check(os.WriteFile(path, whole[:short.Size()], 0o600))
	w.remove("b")
	if !w.changed() {
		t.Error("got no change, the cache having lost what is gone")
	}
}

func TestChangedStopsAtTheFirstDifference(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for i := range 100 {
		w.put(fmt.Sprintf("file-%02d", i), "content")
	}
	w.list()
	asked := 0
	w.scope.Skip = func([]byte, bool) bool { asked++; return false }
	w.appendTo("file-01", "x")
	if !w.changed() || asked != 2 {
		t.Errorf("got %d entries looked at, want 2", asked)
	}
}

// A probe works where nothing may be read or written.
func TestChangedReadsAndWritesNothing(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put("dir/secret", "x")
	w.check(os.Chmod(w.at("dir/secret"), 0))
	w.readAllAsRoot()
	for dir := w.scope.Cache; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		w.check(os.Chmod(dir, 0o755))
	}
	w.check(os.Chmod(filepath.Dir(filepath.Dir(w.dir)), 0o755)) // others may come as far as the root
	w.check(os.Chmod(filepath.Join(w.scope.Cache, "stats"), 0o444))
	before := w.cacheFiles()
	asNobody(t, func() {
		if w.changed() {
			t.Error("got a change")
		}
	})
	if after := w.cacheFiles(); !maps.Equal(before, after) {
		t.Errorf("got cache %v, want %v", slices.Collect(maps.Keys(after)), slices.Collect(maps.Keys(before)))
	}
}

// readAllAsRoot lists, and reads what it may.
func (w *world) readAllAsRoot() {
	w.t.Helper()
	for _, i := range w.list().items {
		_, _ = w.read(string(i.Path)) // only root may
	}
	w.check(os.WriteFile(filepath.Join(w.scope.Cache, "runs.tmp"), []byte("of a walk that goes on"), 0o600))
}

// cacheFiles are the names in the cache, and when each was changed.
func (w *world) cacheFiles() map[string]time.Time {
	w.t.Helper()
	all, err := os.ReadDir(w.scope.Cache)
	w.check(err)
	files := map[string]time.Time{}
	for _, e := range all {
		info, err := e.Info()
		w.check(err)
		files[e.Name()] = info.ModTime()
	}
	return files
}

func TestChangedFails(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put("a", "x")
	w.list()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if changed, err := w.conn.Changed(ended, w.scope, domain.Cursor{}); changed || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v when cancelled", changed, err)
	}
	w.check(os.RemoveAll(w.dir))
	if changed, err := w.conn.Changed(t.Context(), w.scope, domain.Cursor{}); changed || !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v, %v, want ErrGone", changed, err)
	}
}
