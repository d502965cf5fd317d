package localfs_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/domain"
)

// late is long after every file of a test was written: nothing is racy then.
var late = time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)

func TestConnector(t *testing.T) {
	t.Parallel()

	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		w := newWorld(t)
		files := map[string]string{"empty": "", "binary": "\x00\x01\xff", "line\nbreak": "x", "caf\xe9": "latin-1"}
		w.conn.SetPage(8)
		for i := range 30 {
			files[fmt.Sprintf("dir-%d/file-%02d.txt", i%7, i)] = fmt.Sprintf("content %d", i)
		}
		for path, content := range files {
			w.put(path, content)
		}
		w.link("elsewhere", "link")
		away := w.dir + "-away"
		return connectortest.Fixture{
			Connector: w.conn, Config: w.scope.Config, Files: files, Put: w.put, Remove: w.remove, Rename: w.rename,
			Faults:   map[connectortest.Fault]func(){connectortest.Vanished: func() { w.check(os.Rename(w.dir, away)) }},
			Mend:     func() { w.check(os.Rename(away, w.dir)) },
			Watching: func(ctx context.Context) error { return w.clock.Waiting(ctx, 1) },
		}
	})
}

// A world is a folder, connected.
type world struct {
	t     *testing.T
	dir   string
	clock *connectortest.Clock
	conn  *localfs.Connector
	scope domain.Scope
}

func newWorld(t *testing.T) *world {
	t.Helper()
	real, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: filepath.Join(real, "root"), clock: connectortest.NewClock(late)}
	w.check(os.Mkdir(w.dir, 0o755))
	w.conn = localfs.New(localfs.Options{Allowed: []string{real}, Clock: w.clock})
	w.scope = domain.Scope{Config: config(t, w.dir), Cache: t.TempDir()}
	return w
}

func config(t *testing.T, root string) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(map[string]string{"rootPath": root})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) at(path string) string { return filepath.Join(w.dir, path) }

func (w *world) put(path, content string) {
	w.t.Helper()
	w.check(os.MkdirAll(filepath.Dir(w.at(path)), 0o755))
	w.check(os.WriteFile(w.at(path), []byte(content), 0o644))
}

func (w *world) remove(path string) {
	w.t.Helper()
	w.check(os.Remove(w.at(path)))
}

func (w *world) rename(from, to string) {
	w.t.Helper()
	w.check(os.Rename(w.at(from), w.at(to)))
}

func (w *world) link(target, path string) {
	w.t.Helper()
	w.check(os.Symlink(target, w.at(path)))
}

// A listing is what a Snapshot gave.
type listing struct {
	items    []domain.Item
	failures map[string]string // path to code
	unread   map[string]bool
	pages    []domain.Page
	complete bool
	onPage   func(n int) error // nil: takes every page
}

func (l *listing) Page(_ context.Context, p domain.Page) error {
	for _, c := range p.Changes {
		l.items = append(l.items, c.Item)
	}
	for _, f := range p.Failures {
		l.failures[f.Path] = f.Code
	}
	for _, u := range p.Unread {
		l.unread[string(u)] = true
	}
	l.pages, l.complete = append(l.pages, p), p.Complete
	if l.onPage != nil {
		return l.onPage(len(l.pages))
	}
	return nil
}

func newListing() *listing {
	return &listing{failures: map[string]string{}, unread: map[string]bool{}}
}

// list is a listing that comes to its end.
func (w *world) list() *listing {
	w.t.Helper()
	l := newListing()
	if err := w.conn.Snapshot(w.t.Context(), w.scope, domain.Cursor{}, l); err != nil {
		w.t.Fatal(err)
	}
	if !l.complete {
		w.t.Fatal("got no error from a listing that is not complete")
	}
	return l
}

func (l *listing) paths() []string {
	var paths []string
	for _, i := range l.items {
		paths = append(paths, string(i.Path))
	}
	return paths
}

func (l *listing) item(t *testing.T, path string) domain.Item {
	t.Helper()
	for _, i := range l.items {
		if string(i.Path) == path {
			return i
		}
	}
	t.Fatalf("%q is not listed: %q", path, l.paths())
	return domain.Item{}
}

// read fetches a path as the engine does, and lets the connector remember it.
func (w *world) read(path string) (string, error) {
	c, err := w.conn.Fetch(w.t.Context(), w.scope, domain.ItemRef{Path: []byte(path), Size: -1})
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(c.Body)
	if err = errors.Join(err, c.Body.Close()); err == nil {
		c.Read(sha256.Sum256(b))
	}
	return string(b), err
}

// readAll reads every file that l lists.
func (w *world) readAll(l *listing) {
	w.t.Helper()
	for _, i := range l.items {
		if !i.Bodiless {
			if _, err := w.read(string(i.Path)); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.conn.FlushNotes(w.scope.Cache)
}
