package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/blob"
	"github.com/confuse/data-connector/domain"
)

// dieVariable names the folder in which this program, started again, is killed.
const dieVariable = "BLOB_TEST_DIE_IN"

func TestMain(m *testing.M) {
	if root := os.Getenv(dieVariable); root != "" {
		_, _ = fmt.Fprintln(os.Stdout, die(root)) // the exit code tells too
		os.Exit(1)                                // it should not have come here
	}
	stop, err := serveClouds()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // the exit code tells too
		os.Exit(1)
	}
	status := m.Run()
	stop()
	os.Exit(status)
}

// A killer is a disk on which the process dies instead of a rename.
type killer struct{ blob.Disk }

func (killer) Rename(string, string) error {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err == nil {
		select {}
	}
	return err
}

func die(root string) error {
	s, err := blob.OpenOn(root, killer{blob.System()})
	if err != nil {
		return err
	}
	ctx := context.Background()
	w, err := s.Create(ctx, name(0))
	if err != nil {
		return err
	}
	for _, b := range [][]byte{noise(5<<20, 1), text(100)} { // a big one stays staged
		st, err := w.Stage(ctx, bytes.NewReader(b))
		if err != nil {
			return err
		}
		if st.Size() > 100 {
			continue
		}
		if _, err := w.Keep(st); err != nil {
			return err
		}
	}
	return w.Commit(ctx)
}

func TestKilledBeforeTheRename(t *testing.T) {
	t.Parallel()

	root := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), dieVariable+"="+root)
	out, err := child.CombinedOutput()
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("got %v and output %q, want the process killed", err, out)
	}

	s := open(t, root)
	left := files(t, root)
	if len(left) != 2 || !strings.Contains(left[0], "/.tmp-") || !strings.HasPrefix(left[1], "staging/.tmp-") {
		t.Fatalf("got files %q, want two temporary ones", left)
	}
	c := domain.ClaimCheck{Ref: domain.PackRef{Pack: name(0)}}
	if _, err := s.Open(t.Context(), c); !errors.Is(err, domain.ErrContentLost) {
		t.Errorf("got error %v, want the pack missing", err)
	}
	wantSwept(t, s, 0) // its writer might live
	for _, f := range left {
		age(t, filepath.Join(root, f), 25*time.Hour)
	}
	wantSwept(t, s, 2)
	if left := files(t, root); len(left) > 0 {
		t.Errorf("got files %q after the sweep, want none", left)
	}

	w := create(t, s, name(0)) // the page is done again
	c = keep(t, w, text(100))
	commit(t, w)
	wantContent(t, s, c, text(100))
}

func TestSweepTakesOldTemporaryFilesOnly(t *testing.T) {
	t.Parallel()

	root := t.TempDir()
	s := open(t, root)
	w := create(t, s, name(0))
	c := keep(t, w, text(10))
	commit(t, w)
	age(t, filepath.Join(root, name(0)), 1000*time.Hour)

	w = create(t, s, name(1))
	keep(t, w, text(10))
	var temp string
	for _, f := range files(t, root) {
		if strings.Contains(f, ".tmp-") {
			temp = filepath.Join(root, f)
		}
	}
	age(t, temp, 23*time.Hour)
	wantSwept(t, s, 0)
	age(t, temp, 25*time.Hour)
	wantSwept(t, s, 1)
	if diff := cmp.Diff([]string{name(0)}, files(t, root)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	wantContent(t, s, c, text(10))

	// The writer slept for a day: no claim check of this pack goes to the log.
	if err := w.Commit(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got error %v from the commit of a swept pack, want %v", err, fs.ErrNotExist)
	}
}

func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Chtimes(path, time.Time{}, info.ModTime().Add(-by))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wantSwept(t *testing.T, s *blob.Store, want int) {
	t.Helper()
	n, err := s.Sweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n != want {
		t.Errorf("got %d files swept, want %d", n, want)
	}
}
