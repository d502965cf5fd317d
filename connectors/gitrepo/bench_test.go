package gitrepo_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// TestCostOfFirstSync reads the sources of Go, with all content, as git itself
// does it and as a source does it. GITREPO_MEASURE=1 runs it.
func TestCostOfFirstSync(t *testing.T) {
	if os.Getenv("GITREPO_MEASURE") == "" {
		t.Skip("measures only: GITREPO_MEASURE=1 runs it")
	}
	w := newWorld(t)
	n := w.importGo()
	for range 3 {
		began := time.Now()
		w.plainGit()
		plain := time.Since(began)
		w.scope.Cache = t.TempDir()
		began = time.Now()
		w.start()
		l := w.list()
		listed := time.Since(began)
		bytes := w.readAll(l)
		whole := time.Since(began)
		t.Logf("%d files: git %v; listing %v, with %d MB of content %v: ratio %.2f", n, plain, listed, bytes>>20, whole, whole.Seconds()/plain.Seconds())
	}
}

// importGo commits the sources of Go.
func (w *world) importGo() int {
	w.t.Helper()
	root, err := exec.CommandContext(w.t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		w.t.Fatal(err)
	}
	src := filepath.Join(strings.TrimSpace(string(root)), "src")
	var edits []gittest.Edit
	err = filepath.WalkDir(src, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		edits = append(edits, gittest.Put(strings.TrimPrefix(path, src+"/"), string(b)))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.repo.Commit("main", edits...)
	w.repo.Git("gc", "--quiet")
	return len(edits)
}

// plainGit clones, lists and reads everything.
func (w *world) plainGit() {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), "clone")
	git := func(in []byte, args ...string) []byte {
		cmd := exec.CommandContext(w.t.Context(), "git", args...)
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	}
	git(nil, "clone", "--quiet", "--bare", "--depth=1", w.repo.URL, dir)
	var ids bytes.Buffer
	for line := range strings.Lines(string(git(nil, "--git-dir="+dir, "ls-tree", "-r", "HEAD"))) {
		ids.WriteString(strings.Fields(line)[2] + "\n")
	}
	git(ids.Bytes(), "--git-dir="+dir, "cat-file", "--batch")
}

// readAll reads what was listed as the engine does, and gives the bytes.
func (w *world) readAll(l *listing) int64 {
	w.t.Helper()
	var total int64
	for _, p := range l.pages {
		var refs []domain.ItemRef
		for _, c := range p.Changes {
			if !c.Item.Bodiless && c.Item.Size <= 1<<20 {
				refs = append(refs, c.Item.Ref())
			}
		}
		err := w.source.FetchAll(context.Background(), w.scope, refs, func(_ int, c domain.Content, err error) error {
			if err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, c.Body)
			total += n
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return total
}

// TestCostOfPush fetches one changed file, as git itself does it and as a source
// does it, with its content.
func TestCostOfPush(t *testing.T) {
	if os.Getenv("GITREPO_MEASURE") == "" {
		t.Skip("measures only: GITREPO_MEASURE=1 runs it")
	}
	w := newWorld(t)
	w.importGo()
	clone := filepath.Join(t.TempDir(), "clone")
	git := func(args ...string) {
		if out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	git("clone", "--quiet", "--bare", "--depth=1", w.repo.URL, clone)
	from := w.start()
	w.list()
	for i := range 6 {
		w.repo.Commit("main", gittest.Put("bytes/bytes.go", strings.Repeat("// edited\n", i+1)))
		began := time.Now()
		git("--git-dir="+clone, "fetch", "--quiet", "--depth=1", w.repo.URL, "main")
		plain := time.Since(began)
		began = time.Now()
		f := w.follow(from)
		followed := time.Since(began)
		w.readAll(f)
		whole := time.Since(began)
		from = f.cursor
		t.Logf("git fetch %v; changes %v, with content %v: ratio %.2f", plain, followed, whole, whole.Seconds()/plain.Seconds())
	}
}
