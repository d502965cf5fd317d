//go:build linux

package localfs_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/domain"
)

// digest is what is known of "file".
func (w *world) digest() domain.Digest {
	w.t.Helper()
	return w.list().item(w.t, "file").Digest
}

func TestDigestIsRemembered(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put("file", "content")
	if got := w.digest(); !got.IsZero() {
		t.Errorf("got digest %s of a file that was never read", got)
	}
	w.readAll(w.list())
	want := domain.Digest(sha256.Sum256([]byte("content")))
	for range 3 { // from the journal, then from what the last walk wrote
		if got := w.digest(); got != want {
			t.Errorf("got digest %s, want %s", got, want)
		}
	}
	w.scope.Fresh = true
	if got := w.digest(); !got.IsZero() {
		t.Errorf("got digest %s from a cache that is not trusted", got)
	}
	w.scope.Fresh = false
	if got := w.digest(); !got.IsZero() {
		t.Errorf("got digest %s, which the full walk did not trust", got)
	}
	w.readAll(w.list())
	w.check(os.RemoveAll(w.scope.Cache))
	if got := w.digest(); !got.IsZero() {
		t.Errorf("got digest %s from a cache that is lost", got)
	}
}

func TestChangedFileHasNoDigest(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(w *world){
		"other bytes of the same size, time set back": func(w *world) { w.write("file", "CONTENT"); w.check(os.Chtimes(w.at("file"), old, old)) },
		"touched":  func(w *world) { now := late; w.check(os.Chtimes(w.at("file"), now, now)) },
		"replaced": func(w *world) { w.replace("file", "CONTENT") },
		"a copy under its name, times and all": func(w *world) {
			w.replace("file", "CONTENT")
			w.check(os.Chtimes(w.at("file"), old, old))
		},
		"another file of the same size renamed to it": func(w *world) { w.check(os.Rename(w.at("twin"), w.at("file"))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			for _, p := range []string{"file", "twin"} {
				w.put(p, "content")
				w.check(os.Chtimes(w.at(p), old, old))
			}
			w.readAll(w.list())
			if w.digest().IsZero() {
				t.Fatal("got no digest before the change")
			}
			change(w)
			if got := w.digest(); !got.IsZero() {
				t.Errorf("got digest %s", got)
			}
		})
	}
}

// replace puts another file in the place of one, as editors do.
func (w *world) replace(path, content string) {
	w.t.Helper()
	w.put(path+".tmp", content)
	w.check(os.Rename(w.at(path+".tmp"), w.at(path)))
}

// A file that was changed within two seconds of being read could be changed again
// without a change of its stamp: it is read at the next sync, too.
func TestRacyFileIsNotRemembered(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		read time.Duration // behind the change
		want bool          // remembered
	}{
		"at once":             {0, false},
		"2 s later":           {2 * time.Second, false},
		"3 s later":           {3 * time.Second, true},
		"clock is 5 min slow": {-5 * time.Minute, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.put("file", "content")
			info, err := os.Stat(w.at("file"))
			w.check(err)
			w.conn = w.withClock(info.ModTime().Add(tt.read))
			w.readAll(w.list())
			if got := !w.digest().IsZero(); got != tt.want {
				t.Errorf("remembered: %v, want %v", got, tt.want)
			}
		})
	}
}

// The time of modification is set to the time of reading; that of the change
// lies long before.
func TestRacyByModificationAlone(t *testing.T) {
	t.Parallel()

	for offset, want := range map[time.Duration]bool{-3 * time.Second: true, -time.Second: false, time.Second: false, time.Hour: true} {
		w := newWorld(t)
		w.put("file", "content")
		w.check(os.Chtimes(w.at("file"), late.Add(offset), late.Add(offset)))
		w.readAll(w.list())
		if got := !w.digest().IsZero(); got != want {
			t.Errorf("modified %s after reading: remembered: %v, want %v", offset, got, want)
		}
	}
}

// withClock is the connector with a clock that stands at another time.
func (w *world) withClock(now time.Time) *localfs.Connector {
	return localfs.New(localfs.Options{Allowed: []string{filepath.Dir(w.dir)}, Clock: connectortest.NewClock(now)})
}

func TestMovedFrom(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		change func(w *world)
		path   string
		want   string
	}{
		"renamed":                 {func(w *world) { w.check(os.Rename(w.at("file"), w.at("new"))) }, "new", "file"},
		"renamed and edited":      {func(w *world) { w.check(os.Rename(w.at("file"), w.at("new"))); w.appendTo("new", "x") }, "new", "file"},
		"its folder renamed":      {func(w *world) { w.check(os.Rename(w.at("dir"), w.at("folder"))) }, "folder/file", "dir/file"},
		"a new file in its place": {func(w *world) { w.check(os.Rename(w.at("file"), w.at("new"))); w.put("file", "content") }, "new", "file"},
		"a second name":           {func(w *world) { w.check(os.Link(w.at("file"), w.at("new"))) }, "new", ""},
		"a copy":                  {func(w *world) { w.put("new", "content") }, "new", ""},
		"over another file":       {func(w *world) { w.check(os.Rename(w.at("file"), w.at("dir/file"))) }, "dir/file", ""},
		"a link where it was":     {func(w *world) { w.check(os.Rename(w.at("file"), w.at("new"))); w.link("new", "file") }, "new", "file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.put("file", "content")
			w.put("dir/file", "other")
			w.needsBirthTime()
			w.list()
			tt.change(w)
			if got := w.list().item(t, tt.path).MovedFrom; string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// An inode is used again for another file: that is no rename.
func TestInodeUsedAgain(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.needsBirthTime()
	w.put("file", "content")
	inode := w.inode("file")
	w.list()
	w.remove("file")
	for range 1000 {
		w.put("new", "content")
		if w.inode("new") == inode {
			break
		}
		w.check(os.MkdirAll(w.dir+"-other", 0o755)) // keeps the inodes that are not wanted
		w.check(os.Rename(w.at("new"), fmt.Sprintf("%s-other/%d", w.dir, w.inode("new"))))
	}
	if w.inode("new") != inode {
		t.Skip("the file system does not use the inode again")
	}
	if got := w.list().item(t, "new").MovedFrom; got != nil {
		t.Errorf("got moved from %q", got)
	}
}

func (w *world) inode(path string) uint64 {
	w.t.Helper()
	var st syscall.Stat_t
	err := syscall.Lstat(w.at(path), &st)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return st.Ino
}

// needsBirthTime skips the test where the file system does not tell when a file
// was made: without that an inode that is used again looks like a rename.
func (w *world) needsBirthTime() {
	w.t.Helper()
	var fs syscall.Statfs_t
	w.check(syscall.Statfs(w.dir, &fs))
	w.put("probe", "")
	w.list()
	w.check(os.Rename(w.at("probe"), w.at("probed")))
	if got := w.list().item(w.t, "probed").MovedFrom; got == nil {
		w.t.Skipf("the file system of %s (type %x) has no birth times", w.dir, fs.Type)
	}
	w.remove("probed")
}
