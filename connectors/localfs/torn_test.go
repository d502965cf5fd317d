//go:build linux

package localfs_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// spoilCache writes every damaged form of a file of the cache and lists: what the
// cache then says is right, or nothing.
func spoilCache(t *testing.T, name string, forms func(whole []byte) [][]byte) {
	t.Helper()
	w := newWorld(t)
	for i := range 2 {
		w.put(fmt.Sprintf("file-%d", i), fmt.Sprintf("content %d", i))
	}
	w.readAll(w.list())
	if name == "stats" {
		w.list()
	}
	path := filepath.Join(w.scope.Cache, name)
	whole, err := os.ReadFile(path)
	w.check(err)
	if len(whole) < 2*90 {
		t.Fatalf("got %d bytes of %s, want a record of each file", len(whole), name)
	}
	for _, form := range forms(whole) {
		w.check(os.RemoveAll(w.scope.Cache))
		w.check(os.Mkdir(w.scope.Cache, 0o700))
		w.check(os.WriteFile(path, form, 0o600))
		for range 2 { // the second walk stands on what the first one wrote
			w.checkDigests(w.list())
		}
	}
}

func (w *world) checkDigests(l *listing) {
	w.t.Helper()
	if len(l.items) != 2 {
		w.t.Fatalf("got %q", l.paths())
	}
	for i, item := range l.items {
		want := domain.Digest(sha256.Sum256(fmt.Appendf(nil, "content %d", i)))
		if !item.Digest.IsZero() && item.Digest != want {
			w.t.Fatalf("got digest %s of %q", item.Digest, item.Path)
		}
		if item.MovedFrom != nil {
			w.t.Fatalf("got %q moved from %q", item.Path, item.MovedFrom)
		}
	}
}

func TestTornCache(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"stats", "digests"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			spoilCache(t, name, func(whole []byte) (forms [][]byte) {
				for n := range whole {
					forms = append(forms, whole[:n])
				}
				return forms
			})
		})
		t.Run(name+" with a hole", func(t *testing.T) {
			t.Parallel()

			spoilCache(t, name, func(whole []byte) (forms [][]byte) {
				for n := 0; n < len(whole); n += 5 {
					forms = append(forms, append(whole[:n:n], make([]byte, len(whole)-n)...))
				}
				return forms
			})
		})
		t.Run(name+" with a wrong byte", func(t *testing.T) {
			t.Parallel()

			spoilCache(t, name, func(whole []byte) (forms [][]byte) {
				for n := range whole {
					form := append([]byte{}, whole...)
					form[n] ^= 1 << (n % 8)
					forms = append(forms, form)
				}
				return forms
			})
		})
	}
}

// What is read while a walk goes on, and what was read before one that did not
// come to its end, is known to the next walk.
func TestWalkThatIsCut(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.conn.SetPage(2)
	for i := range 6 {
		w.put(fmt.Sprintf("file-%d", i), fmt.Sprintf("content %d", i))
	}
	for range 3 {
		l := newListing()
		l.onPage = func(n int) error {
			for _, i := range l.items[2*(n-1):] {
				if _, err := w.read(string(i.Path)); err != nil {
					return err
				}
			}
			if n == 2 {
				return os.ErrClosed
			}
			return nil
		}
		if err := w.conn.Snapshot(t.Context(), w.scope, domain.Cursor{}, l); err != os.ErrClosed { //nolint:errorlint // as it is
			t.Fatalf("got %v", err)
		}
	}
	for i, item := range w.list().items {
		if known := !item.Digest.IsZero(); known != (i < 4) {
			t.Errorf("%q: known %v", item.Path, known)
		}
	}
	for i, item := range w.list().items {
		if known := !item.Digest.IsZero(); known != (i < 4) {
			t.Errorf("%q: known %v after the journal was merged", item.Path, known)
		}
	}
}

// More is read between two walks than is sorted at once, and the journal does not
// grow for ever.
func TestLongJournal(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for i := range 3 {
		w.put(fmt.Sprintf("file-%d", i), fmt.Sprintf("content %d", i))
	}
	w.list()
	for i := range 3 {
		c, err := w.conn.Fetch(t.Context(), w.scope, domain.ItemRef{Path: fmt.Appendf(nil, "file-%d", 2-i)})
		w.check(err)
		content := fmt.Appendf(nil, "content %d", 2-i)
		buf := make([]byte, 100)
		for err == nil {
			_, err = c.Body.Read(buf)
		}
		for range 30_000 { // as if so many files had been read
			c.Read(sha256.Sum256(content))
		}
		w.check(c.Body.Close())
	}
	for i, item := range w.list().items {
		if want := domain.Digest(sha256.Sum256(fmt.Appendf(nil, "content %d", i))); item.Digest != want {
			t.Errorf("%q: got digest %s, want %s", item.Path, item.Digest, want)
		}
	}
	if info, err := os.Stat(filepath.Join(w.scope.Cache, "digests")); err != nil || info.Size() > 0 {
		t.Errorf("got a journal of %v, %v after it was merged", info, err)
	}
}
