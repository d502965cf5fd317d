package blob_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/blob"
)

// A spy is the disk of this machine. It notes each call, as "sync run/.tmp", and
// answers those in fail with their error.
type spy struct {
	blob.Disk
	root string
	fail map[string]error

	mu    sync.Mutex
	calls []string
}

func spyOn(t *testing.T, fail map[string]error) (*spy, *blob.Store) {
	t.Helper()
	d := &spy{Disk: blob.System(), root: t.TempDir(), fail: fail}
	s, err := blob.OpenOn(d.root, d)
	if err != nil {
		t.Fatal(err)
	}
	d.take()
	return d, s
}

// take gives the calls so far and forgets them.
func (d *spy) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

func (d *spy) note(call, path string) error {
	rel, _ := filepath.Rel(d.root, path) // all paths are below root
	rel = strings.NewReplacer(source(1).String(), "source", run, "run").Replace(filepath.ToSlash(rel))
	if dir, _, ok := strings.Cut(rel, ".tmp-"); ok {
		rel = dir + ".tmp"
	}
	call += " " + rel
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, call)
	return d.fail[call]
}

func (d *spy) CreateTemp(dir, pattern string) (blob.File, error) {
	if err := d.note("create", filepath.Join(dir, pattern)); err != nil {
		return nil, err
	}
	f, err := d.Disk.CreateTemp(dir, pattern)
	return &spyFile{File: f, spy: d}, err
}

func (d *spy) Mkdir(dir string) error {
	return errors.Join(d.note("mkdir", dir), d.Disk.Mkdir(dir))
}

func (d *spy) Rename(from, to string) error {
	if err := d.note("rename", to); err != nil {
		return err
	}
	return d.Disk.Rename(from, to)
}

func (d *spy) SyncDir(dir string) error {
	return errors.Join(d.note("syncdir", dir), d.Disk.SyncDir(dir))
}

type spyFile struct {
	blob.File
	spy *spy
}

func (f *spyFile) Write(p []byte) (int, error) {
	if err := f.spy.note("write", f.Name()); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *spyFile) Sync() error  { return errors.Join(f.spy.note("sync", f.Name()), f.File.Sync()) }
func (f *spyFile) Close() error { return errors.Join(f.spy.note("close", f.Name()), f.File.Close()) }

// I1: whatever the moment of a power cut, a pack whose Commit returned is there.
func TestOrderOfACommit(t *testing.T) {
	t.Parallel()

	d, s := spyOn(t, nil)
	first := []string{
		"mkdir packs/source", "mkdir packs/source/run", "syncdir packs/source", "syncdir packs",
		"create packs/source/run/.tmp", "write packs/source/run/.tmp", "sync packs/source/run/.tmp",
		"close packs/source/run/.tmp", "rename packs/source/run/0", "syncdir packs/source/run",
	}
	second := []string{
		"mkdir packs/source", "mkdir packs/source/run", // they exist and are known to be durable
		"create packs/source/run/.tmp", "write packs/source/run/.tmp", "sync packs/source/run/.tmp",
		"close packs/source/run/.tmp", "rename packs/source/run/1", "syncdir packs/source/run",
	}
	for n, want := range [][]string{first, second} {
		w := create(t, s, name(n))
		keep(t, w, text(100))
		keep(t, w, text(200))
		commit(t, w)
		if diff := cmp.Diff(want, d.take()); diff != "" {
			t.Errorf("calls of pack %d (-want +got):\n%s", n, diff)
		}
	}

	// Another process may have made the folders and died before it synced them.
	other, err := blob.OpenOn(d.root, d)
	if err != nil {
		t.Fatal(err)
	}
	d.take()
	keep(t, create(t, other, name(2)), text(100))
	want := append(first[:4:4], "create packs/source/run/.tmp")
	if diff := cmp.Diff(want, d.take()); diff != "" {
		t.Errorf("calls of another process (-want +got):\n%s", diff)
	}
}

func TestOrderOfOpen(t *testing.T) {
	t.Parallel()

	d, _ := spyOn(t, nil)
	if _, err := blob.OpenOn(filepath.Join(d.root, "a/b"), d); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"mkdir a/b/packs", "mkdir a/b", "mkdir a", "syncdir .", "mkdir a/b", "syncdir a",
		"mkdir a/b/packs", "syncdir a/b", "mkdir a/b/staging", "syncdir a/b", "syncdir a/b",
	}
	if diff := cmp.Diff(want, d.take()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A pack is committed as a whole or not at all, whichever call fails.
func TestFailingDisk(t *testing.T) {
	t.Parallel()

	full := syscall.ENOSPC
	for _, call := range []string{
		"mkdir packs/source", "mkdir packs/source/run", "syncdir packs/source", "syncdir packs",
		"create packs/source/run/.tmp", "write packs/source/run/.tmp", "sync packs/source/run/.tmp",
		"close packs/source/run/.tmp", "rename packs/source/run/0",
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()

			d, s := spyOn(t, map[string]error{call: full})
			w := create(t, s, name(0))
			_, kept := w.Keep(stage(t, w, noise(1<<20, 1))) // more than is buffered
			_, again := w.Keep(stage(t, w, text(10)))
			err := w.Commit(t.Context())
			if !errors.Is(err, full) || (kept != nil && !errors.Is(kept, full)) {
				t.Errorf("got error %v from Keep and %v from Commit, want %v", kept, err, full)
			}
			if kept != nil && again == nil {
				t.Error("got no error from keeping behind a torn item")
			}
			if left := files(t, d.root); len(left) > 0 {
				t.Errorf("got files %q, want none", left)
			}
		})
	}
}

func TestFailingSyncOfTheFolder(t *testing.T) {
	t.Parallel()

	_, s := spyOn(t, map[string]error{"syncdir packs/source/run": syscall.EIO})
	w := create(t, s, name(0))
	keep(t, w, text(10))
	if err := w.Commit(t.Context()); !errors.Is(err, syscall.EIO) {
		t.Errorf("got error %v, want %v: the name may not survive", err, syscall.EIO)
	}
}

func TestFailingSpill(t *testing.T) {
	t.Parallel()

	for _, call := range []string{"create staging/.tmp", "write staging/.tmp"} {
		d, s := spyOn(t, map[string]error{call: syscall.ENOSPC})
		w := create(t, s, name(0))
		if _, err := w.Stage(t.Context(), bytes.NewReader(noise(5<<20, 1))); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: got error %v, want %v", call, err, syscall.ENOSPC)
		}
		if left := files(t, d.root); len(left) > 0 {
			t.Errorf("%s: got files %q, want none", call, left)
		}
		c := keep(t, w, text(10)) // the pack itself is well
		commit(t, w)
		wantContent(t, s, c, text(10))
	}
}
