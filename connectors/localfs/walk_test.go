//go:build linux

package localfs_test

import (
	"crypto/sha256"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/domain"
)

func TestOrderIsThatOfTheBytes(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	want := []string{
		"a-b", "a.b", "a/b", "a/b.c", "a/c/d", "a/c0", "a0", "ab", "B", "\x01", "line\nbreak", "bad\xff\xfeutf8",
		"e\u0301", "\u00e9", " ", "*", "back\\slash", "..a", "...", ".a/b", strings.Repeat("n", 255), "a/" + strings.Repeat("ü", 127),
	}
	for _, p := range want {
		w.put(p, p)
	}
	slices.Sort(want)
	l := w.list()
	if got := l.paths(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(l.failures)+len(l.unread) > 0 {
		t.Errorf("got failures %q, unread %v", l.failures, l.unread)
	}
	for _, p := range want {
		if got, err := w.read(p); got != p || err != nil {
			t.Errorf("%q: got content %q, %v", p, got, err)
		}
	}
}

func TestKindsOfEntries(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put("plain", "12345")
	w.put("script", "#!/bin/sh\n")
	w.check(os.Chmod(w.at("script"), 0o755))
	w.check(syscall.Mkfifo(w.at("fifo"), 0o644))
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socketPath(t, w.at("socket")))
	w.check(err)
	t.Cleanup(func() { w.check(socket.Close()) })
	w.put("dir/file", "x")
	for path, target := range map[string]string{
		"to file": "plain", "to dir": "dir", "out": "/etc/passwd", "up": "../..", "dangling": "nowhere",
		"self": "self", "loop/back": "../loop", "bad\xff": "to\xffbytes",
	} {
		w.check(os.MkdirAll(filepath.Dir(w.at(path)), 0o755))
		w.link(target, path)
	}
	l := w.list()
	if l.failures["fifo"] != "not_regular" || l.failures["socket"] != "not_regular" || len(l.failures) != 2 || len(l.unread) != 0 {
		t.Errorf("got failures %q, unread %v", l.failures, l.unread)
	}
	want := []string{"bad\xff", "dangling", "dir/file", "loop/back", "out", "plain", "script", "self", "to dir", "to file", "up"}
	if got := l.paths(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	link := l.item(t, "out")
	if link.Kind != domain.KindSymlink || !link.Bodiless || link.Attributes["target"] != "/etc/passwd" ||
		link.Version != domain.Digest(sha256.Sum256([]byte("/etc/passwd"))).String() {
		t.Errorf("got %+v", link)
	}
	if got := l.item(t, "bad\xff").Attributes["target"]; got != "to\uFFFDbytes" {
		t.Errorf("got target %q, want UTF-8", got)
	}
	if p := l.item(t, "plain"); p.Size != 5 || p.Modified.IsZero() || p.Bodiless || len(p.Attributes) > 0 {
		t.Errorf("got %+v", p)
	}
	if got := l.item(t, "script").Attributes["executable"]; got != "true" {
		t.Errorf("got executable %q", got)
	}
}

// socketPath is a name that reaches path and is short enough for a socket.
func socketPath(t *testing.T, path string) string {
	t.Helper()
	short, err := os.MkdirTemp("/tmp", "s") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	if err := os.Symlink(filepath.Dir(path), short+"/d"); err != nil {
		t.Fatal(err)
	}
	return short + "/d/" + filepath.Base(path)
}

func TestDeepTree(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	deep := w.dig(1000) // longer than any path that a program can open at once
	l := w.list()
	path := strings.Repeat("d/", deep) + "file"
	if got := l.paths(); len(got) != deep+1 || !slices.Contains(got, path) || len(l.failures) > 0 {
		t.Fatalf("got %d paths, failures %q, want %d", len(got), l.failures, deep+1)
	}
	if got, err := w.read(path); got != "deep" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// dig makes folders in each other, with a file in each, which sorts behind the
// folder beside it.
func (w *world) dig(depth int) int {
	w.t.Helper()
	at, err := os.OpenRoot(w.dir)
	w.check(err)
	for range depth {
		w.check(at.WriteFile("file", []byte("deep"), 0o644))
		w.check(at.Mkdir("d", 0o755))
		below, err := at.OpenRoot("d")
		w.check(err)
		w.check(at.Close())
		at = below
	}
	w.check(at.WriteFile("file", []byte("deep"), 0o644))
	w.check(at.Close())
	return depth
}

func TestTooLongPath(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put("z", "x")
	at, err := os.OpenRoot(w.dir)
	w.check(err)
	for range 17 { // 17 * 256 > 4096
		name := strings.Repeat("n", 255)
		w.check(at.Mkdir(name, 0o755))
		below, err := at.OpenRoot(name)
		w.check(err)
		w.check(at.Close())
		at = below
	}
	w.check(at.WriteFile("file", nil, 0o644))
	w.check(at.Close())
	l := w.list()
	if got := l.paths(); !slices.Equal(got, []string{"z"}) || len(l.failures) != 1 || len(l.unread) != 1 {
		t.Errorf("got %q, %d failures, %d unread, want one of each", got, len(l.failures), len(l.unread))
	}
	for _, code := range l.failures {
		if code != "path_too_long" {
			t.Errorf("got code %q", code)
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.check(os.Chmod(filepath.Dir(filepath.Dir(w.dir)), 0o755)) // others may come as far as the root
	w.put("a", "x")
	w.put("dir/file", "x")
	w.put("names only/file", "x")
	w.put("secret", "x")
	w.put("z", "x")
	w.check(os.Chmod(w.at("dir"), 0))
	w.check(os.Chmod(w.at("names only"), 0o444))
	w.check(os.Chmod(w.at("secret"), 0))
	t.Cleanup(func() { w.check(errors.Join(os.Chmod(w.at("dir"), 0o755), os.Chmod(w.at("names only"), 0o755))) })
	w.scope.Cache = ""
	asNobody(t, func() {
		l := w.list()
		if got := l.paths(); !slices.Equal(got, []string{"a", "secret", "z"}) {
			t.Errorf("got %q", got)
		}
		for _, path := range []string{"dir", "names only"} {
			if l.failures[path] != "unreadable" || !l.unread[path] {
				t.Errorf("%q: got failure %q, unread %v", path, l.failures[path], l.unread[path])
			}
		}
		if _, err := w.read("secret"); !errors.Is(err, os.ErrPermission) || errors.Is(err, domain.ErrGone) || errors.Is(err, domain.ErrTransient) {
			t.Errorf("got %v, want permission denied, for this item alone", err)
		}
	})
}

// asNobody runs f without the privileges of root: root may read everything. The
// identity for file access is the thread's own, which ends with it.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread is not used again
		if err := syscall.Setfsgid(nobody); err != nil {
			t.Error(err)
			return
		}
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func TestSkipIsNotEntered(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, p := range []string{"a", "b/c", "skip/a", "skip/b/c", "x.tmp"} {
		w.put(p, p)
	}
	var asked []string
	w.scope.Skip = func(rawPath []byte, dir bool) bool {
		asked = append(asked, string(rawPath))
		return dir && string(rawPath) == "skip" || !dir && filepath.Ext(string(rawPath)) == ".tmp"
	}
	if got := w.list().paths(); !slices.Equal(got, []string{"a", "b/c"}) {
		t.Errorf("got %q", got)
	}
	if want := []string{"a", "b", "b/c", "skip", "x.tmp"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

func TestOwnFoldersAreNotListed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(".data/packs/1", "x")
	w.put("src/.data/1", "x")
	conn := localfs.New(localfs.Options{Allowed: []string{w.dir}, Own: []string{w.at(".data")}, Clock: w.clock})
	w.conn = conn
	if got := w.list().paths(); !slices.Equal(got, []string{"src/.data/1"}) {
		t.Errorf("got %q", got)
	}
}

func TestResumeListsTheRestAlone(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.conn.SetPage(1)
	for _, p := range []string{"a", "b/a", "b/b/a", "b/b/b", "b/c", "b.c", "b0", "c/a"} {
		w.put(p, "x")
	}
	w.check(syscall.Mkfifo(w.at("b/d"), 0o644))
	whole := w.list()
	for i, p := range whole.pages[:len(whole.pages)-1] {
		l := newListing()
		w.check(w.conn.Snapshot(t.Context(), w.scope, p.Next, l))
		if got, want := len(l.pages), len(whole.pages)-i-1; got != want || !l.complete {
			t.Errorf("behind page %d: got %d pages, complete %v, want %d", i, got, l.complete, want)
		}
	}
}

// A position in another root, or of another version, starts over.
func TestForeignCursor(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for i := range 1001 {
		w.put(strings.Repeat("x", 1+i%100)+"/"+strings.Repeat("y", 1+i/100), "")
	}
	pages := w.list().pages
	if n := len(pages[0].Changes); n != 1000 {
		t.Errorf("got a page of %d changes, want 1000", n)
	}
	next := pages[0].Next
	other := newWorld(t)
	other.put("a", "x")
	for name, cursor := range map[string]domain.Cursor{
		"of another root":    next,
		"of another version": {V: next.V + 1, Kind: next.Kind, Opaque: next.Opaque},
		"damaged":            {V: next.V, Kind: next.Kind, Opaque: []byte(`"`)},
	} {
		l := newListing()
		if err := other.conn.Snapshot(t.Context(), other.scope, cursor, l); err != nil || !slices.Equal(l.paths(), []string{"a"}) {
			t.Errorf("%s: got %q, %v", name, l.paths(), err)
		}
	}
}
