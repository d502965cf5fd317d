package gitrepo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

const other = "1234567890123456789012345678901234567890"

func TestKindsOfEntries(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main",
		gittest.Put("file", "x"), gittest.PutExecutable("tool", "x"), gittest.Link("link", "../far/caf\xe9"), gittest.Put("empty", ""),
		gittest.Submodule("vendor/lib", other), gittest.Submodule("unknown", other),
		gittest.Put(".gitmodules", "[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = https://user:secret@example.org/lib.git\n"))
	items := w.list().items
	tests := map[string]domain.Item{
		"file":       {Size: 1, Attributes: map[string]string{}},
		"tool":       {Size: 1, Attributes: map[string]string{"executable": "true"}},
		"empty":      {Attributes: map[string]string{}},
		"link":       {Kind: domain.KindSymlink, Bodiless: true, Size: 11, Attributes: map[string]string{"target": "../far/caf\uFFFD"}},
		"vendor/lib": {Kind: domain.KindSubmodule, Bodiless: true, Version: other, Attributes: map[string]string{"commit": other, "url": "https://example.org/lib.git"}},
		"unknown":    {Kind: domain.KindSubmodule, Bodiless: true, Version: other, Attributes: map[string]string{"commit": other}},
	}
	for path, want := range tests {
		want.Path = []byte(path)
		if want.Version == "" {
			want.Version = w.repo.Git("rev-parse", "main:"+path)
		}
		if diff := cmp.Diff(want, items[path]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	deep := strings.Repeat("d/", 500) + "f"
	names := []string{
		"line\nbreak", "tab\tquote\"back\\slash", "caf\xe9", "café", "cafe\u0301", "README", "readme", "Readme",
		"-rf", "--upload-pack=x", " lead", "trail ", "a:b", "*?[x]", "\x01\x7f", "\u202Etxt.exe", "dir/.hidden", deep, "a/b", "a.b", "a-b",
	}
	var edits []gittest.Edit
	for i, name := range names {
		edits = append(edits, gittest.Put(name, fmt.Sprint(i)))
	}
	w.repo.Commit("main", edits...)
	from, l := w.start(), w.list()
	w.check(l.items, "main")
	for i, name := range names {
		if got, err := w.read(l.items[name]); err != nil || got != fmt.Sprint(i) {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
	w.repo.Commit("main", gittest.Rename("caf\xe9", "caf\xe9\n2"), gittest.Rename("readme", "ReadMe"))
	f := w.follow(from)
	for to, old := range map[string]string{"caf\xe9\n2": "caf\xe9", "ReadMe": "readme"} {
		if got := f.items[to].MovedFrom; string(got) != old {
			t.Errorf("%q: got moved from %q, want %q", to, got, old)
		}
	}
}

func TestPathTooLongIsAFailure(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put(strings.Repeat("x", 5000), "x"), gittest.Put("file", "x"))
	l := w.list()
	if len(l.items) != 1 || len(l.failures) != 1 || l.failures[0].Code != "path_too_long" {
		t.Errorf("got %d items, failures %+v", len(l.items), l.failures)
	}
}

func TestSHA256(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo = w.server.CreateSHA256("wide")
	w.source.Remote.URL = w.repo.URL
	w.repo.Commit("main", gittest.Put("a", "one"), gittest.Put("b", "two"))
	from, l := w.start(), w.list()
	w.check(l.items, "main")
	if got, err := w.read(l.items["a"]); err != nil || got != "one" || len(l.items["a"].Version) != 64 {
		t.Errorf("got %q, %v, version %q", got, err, l.items["a"].Version)
	}
	w.repo.Commit("main", gittest.Put("a", "three"))
	f := w.follow(from)
	if got, err := w.read(f.items["a"]); err != nil || got != "three" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A repository with as many files as git repositories of a company have.
func TestHundredThousandFiles(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	var edits []gittest.Edit
	for i := range 100_000 {
		edits = append(edits, gittest.Put(fmt.Sprintf("%d/%d/%d", i%10, i%1000, i), fmt.Sprint(i%5000)))
	}
	w.repo.Commit("main", edits...)
	l := w.list()
	if len(l.items) != 100_000 || len(l.pages) != 100 {
		t.Errorf("got %d items on %d pages", len(l.items), len(l.pages))
	}
}

// A few objects that unfold to 10^10 files.
func TestTreeBomb(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.source.Client = newClient(t, gitrepo.Options{MaxEntries: 5000})
	tree := "100644 blob " + w.repo.GitInput([]byte("x"), "hash-object", "-w", "--stdin")
	for range 10 {
		var all strings.Builder
		for i := range 10 {
			fmt.Fprintf(&all, "%s\t%d\n", tree, i)
		}
		tree = "040000 tree " + w.repo.GitInput([]byte(all.String()), "mktree")
	}
	id := strings.Fields(tree)[2]
	w.repo.Git("update-ref", "refs/heads/main", w.repo.Git("commit-tree", "-m", "bomb", id))
	l := newListing(t)
	err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, l)
	if !errors.Is(err, domain.ErrTooLarge) || l.complete {
		t.Errorf("got %v, complete %v", err, l.complete)
	}
}

func TestTooDeep(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put(strings.Repeat("d/", 2100)+"f", "x"))
	l := newListing(t)
	err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, l)
	if !errors.Is(err, domain.ErrTooLarge) || l.complete {
		t.Errorf("got %v, complete %v", err, l.complete)
	}
}
