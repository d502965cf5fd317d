//go:build linux

package localfs_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

func TestFetchOfWhatIsNoLongerListed(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		spoil func(w *world)
		err   error
	}{
		"removed":             {func(w *world) {}, domain.ErrGone},
		"its folder removed":  {func(w *world) { w.check(os.Remove(w.at("dir"))) }, domain.ErrGone},
		"its folder a file":   {func(w *world) { w.check(os.Remove(w.at("dir"))); w.put("dir", "x") }, domain.ErrGone},
		"a folder":            {func(w *world) { w.check(os.Mkdir(w.at("dir/file"), 0o755)) }, domain.ErrChanging},
		"a link to a file":    {func(w *world) { w.put("other", "x"); w.link("../other", "dir/file") }, domain.ErrChanging},
		"a FIFO":              {func(w *world) { w.check(syscall.Mkfifo(w.at("dir/file"), 0o644)) }, domain.ErrChanging},
		"its folder a link":   {func(w *world) { w.check(os.Remove(w.at("dir"))); w.put("real/file", "x"); w.link("real", "dir") }, domain.ErrGone},
		"its folder a FIFO":   {func(w *world) { w.check(os.Remove(w.at("dir"))); w.check(syscall.Mkfifo(w.at("dir"), 0o644)) }, domain.ErrGone},
		"the root is removed": {func(w *world) { w.check(os.RemoveAll(w.dir)) }, domain.ErrGone},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.put("dir/file", "x")
			w.remove("dir/file")
			tt.spoil(w)
			if got, err := w.read("dir/file"); !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %v", got, err, tt.err)
			}
		})
	}
}

func TestFetchStaysInTheRoot(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put("a", "x")
	w.check(os.WriteFile(w.dir+"-secret", []byte("secret"), 0o644))
	for _, path := range []string{"../root-secret", "a/../../root-secret", w.dir + "-secret", "", ".", "..", "/"} {
		if got, err := w.read(path); err == nil {
			t.Errorf("%q: got %q, want an error", path, got)
		}
	}
}

func TestFileChangesWhileItIsRead(t *testing.T) {
	t.Parallel()

	size := 1 << 20
	for name, spoil := range map[string]func(w *world){
		"grows":                func(w *world) { w.appendTo("file", "more") },
		"grows all the time":   func(w *world) { w.appendTo("file", strings.Repeat("x", size)) },
		"shrinks":              func(w *world) { w.check(os.Truncate(w.at("file"), 10)) },
		"is written in place":  func(w *world) { w.write("file", "other") },
		"is removed":           func(w *world) { w.remove("file") },
		"is replaced":          func(w *world) { w.put("new", "x"); w.check(os.Rename(w.at("new"), w.at("file"))) },
		"is written, time set": func(w *world) { w.write("file", "other"); w.check(os.Chtimes(w.at("file"), old, old)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.put("file", strings.Repeat("x", size))
			w.check(os.Chtimes(w.at("file"), old, old))
			c, err := w.conn.Fetch(t.Context(), w.scope, domain.ItemRef{Path: []byte("file")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { w.check(c.Body.Close()) })
			if _, err := io.ReadFull(c.Body, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			spoil(w)
			if _, err := io.Copy(io.Discard, c.Body); !errors.Is(err, domain.ErrChanging) {
				t.Errorf("got %v, want ErrChanging", err)
			}
			c.Read(domain.Digest{1}) // of what was no version of the file: it must not be remembered
			if l := w.list(); len(l.items) > 0 && !l.items[0].Digest.IsZero() {
				t.Error("got a digest of a version that never was")
			}
		})
	}
}

var old = time.Date(2001, time.February, 3, 4, 5, 6, 0, time.UTC)

// write writes into a file in place.
func (w *world) write(path, content string) {
	w.t.Helper()
	f, err := os.OpenFile(w.at(path), os.O_WRONLY, 0)
	w.check(err)
	_, err = f.WriteString(content)
	w.check(errors.Join(err, f.Close()))
}

func (w *world) appendTo(path, content string) {
	w.t.Helper()
	f, err := os.OpenFile(w.at(path), os.O_WRONLY|os.O_APPEND, 0)
	w.check(err)
	_, err = f.WriteString(content)
	w.check(errors.Join(err, f.Close()))
}

// A folder is swapped for a link that leads out of the root, over and over, while
// it is read and listed: what lies outside never comes in.
func TestSymlinkSwapRace(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	outside := w.dir + "-outside"
	w.check(os.Mkdir(outside, 0o755))
	w.check(os.WriteFile(outside+"/file", []byte("secret"), 0o644))
	w.check(os.WriteFile(outside+"/only outside", []byte("secret"), 0o644))
	w.put("dir/file", "public")
	w.link(outside, "link")
	done := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() { w.swapUntil(done) })
	for range 300 {
		if got, err := w.read("dir/file"); err == nil && got != "public" {
			t.Fatalf("read %q", got)
		}
		l := newListing()
		if err := w.conn.Snapshot(t.Context(), w.scope, domain.Cursor{}, l); err != nil {
			t.Fatal(err)
		}
		for _, i := range l.items {
			if strings.HasSuffix(string(i.Path), "only outside") {
				t.Fatalf("listed %q", i.Path)
			}
		}
	}
	close(done)
	swapping.Wait()
}

// swapUntil swaps dir and link until done.
func (w *world) swapUntil(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		err := errors.Join(os.Rename(w.at("dir"), w.at("tmp")), os.Rename(w.at("link"), w.at("dir")), os.Rename(w.at("tmp"), w.at("link")))
		if err != nil {
			w.t.Error(err)
			return
		}
	}
}
