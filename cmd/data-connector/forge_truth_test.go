package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// The sizes of the history that is pushed.
const (
	shortBlobs, shortPushes = 500, 20
	longPushes              = 200
)

// A version is a file as git ls-tree tells it, or a row of the table files.
type version struct {
	ID   string
	Size int64
}

// A history that is pushed step by step, each step with a signed webhook: behind
// each the rows are what git ls-tree says, the events are the difference of the two
// trees, and the API was asked for nothing but the repository.
func TestForgeTruth(t *testing.T) {
	t.Parallel()

	most, pushes := shortBlobs, shortPushes
	if os.Getenv(longVariable) == "" {
		t.Logf("%d files and %d pushes, not the whole Go source tree and %d: set %s=1 for these, which takes minutes", most, pushes, longPushes, longVariable)
	} else {
		most, pushes = 1_000_000, longPushes
	}
	f := newForge(t)
	h := newHistory(t, f, most)
	f.serve()
	p := &pushing{forge: f, source: f.connect(map[string]any{"maxFileSize": 0, "defaultExcludes": false})}
	p.follower = followFor(t, f.env, p.source, time.Duration(pushes)*startTime)
	p.change(t, "sync_completed")
	p.tree = p.check("first sync")
	f.api.Calls()
	for i := range pushes {
		p.step(h, i)
	}
	p.checkListed(pushes)
	t.Logf("%d files; %d pushes changed %d", len(p.tree), pushes, p.changed)
	f.server.stop(t)
}

// pushing are what a source went through.
type pushing struct {
	*forge
	*follower
	source  string
	tree    map[string]version // as of the last push
	changed int                // files, over all pushes
}

// truth is what the default branch holds, according to git.
func (f *forge) truth() map[string]version {
	f.t.Helper()
	tree := map[string]version{}
	for record := range strings.SplitSeq(f.repo.Git("ls-tree", "-r", "-l", "-z", "--full-tree", "HEAD"), "\x00") {
		head, path, ok := strings.Cut(record, "\t")
		if !ok {
			continue
		}
		fields := strings.Fields(head) // mode, type, id, size
		size, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			f.t.Fatalf("%q: %v", record, err)
		}
		tree[path] = version{fields[2], size}
	}
	return tree
}

// blobs are the rows of a source.
func (f *forge) blobs(source string) map[string]version {
	f.t.Helper()
	if f.db == nil {
		f.db = database(f.t, f.env)
	}
	found, err := f.db.Query(f.t.Context(), `SELECT path_key, revision, coalesce(size, 0) FROM read.files WHERE source_id = $1 AND NOT removed`, source)
	if err != nil {
		f.t.Fatal(err)
	}
	table := map[string]version{}
	var path []byte
	var b version
	_, err = pgx.ForEachRow(found, []any{&path, &b.ID, &b.Size}, func() error {
		table[string(path)] = b
		return nil
	})
	if err := errors.Join(err, found.Err()); err != nil {
		f.t.Fatal(err)
	}
	return table
}

// check compares the rows with git, and gives what both hold.
func (p *pushing) check(when string) map[string]version {
	p.t.Helper()
	want := p.truth()
	if diff := cmp.Diff(want, p.blobs(p.source)); diff != "" {
		p.t.Fatalf("%s: rows (-git +rows):\n%.4000s", when, diff)
	}
	return want
}

// step is push as a test of its own; the next one would compare with what this one
// has left.
func (p *pushing) step(h *history, i int) {
	whole := p.t
	ok := whole.Run(fmt.Sprintf("push %d", i), func(t *testing.T) {
		p.t = t
		p.push(h, i)
	})
	if p.t = whole; !ok {
		whole.FailNow()
	}
}

// push makes one step, tells of it, and looks at what came of it.
func (p *pushing) push(h *history, i int) {
	p.t.Helper()
	what := fmt.Sprintf("push %d, %s", i, h.step(i))
	id := p.deliver("push", payload{"ref": "refs/heads/main", "repository": p.about()})
	events := p.awaitSync(id)
	after := p.check(what)
	p.changed += checkDifference(p.t, what, p.tree, after, events)
	p.tree = after
	for _, c := range p.api.Calls() {
		if c.Method != "GET" || c.Path != fmt.Sprintf("/api/v3/repositories/%d", p.api.ID()) {
			p.t.Errorf("%s: the API was asked for %s %s", what, c.Method, c.Path)
		}
	}
}

// awaitSync waits for the end of the sync that a delivery led to, and until it is
// in the rows. It gives the events of files.
func (p *pushing) awaitSync(delivery string) []followed {
	p.t.Helper()
	var files []followed
	look := func(e followed) {
		if e.Data.Revision != "" || e.Data.Path != "" {
			files = append(files, e)
		}
	}
	p.until(p.t, "the hint", func(e followed) bool {
		look(e)
		return e.Data.Hint != nil && e.Data.Hint.DeliveryID == delivery
	})
	p.change(p.t, "sync_started")
	done, _ := p.until(p.t, "its sync", func(e followed) bool { look(e); return e.Data.Change == "sync_completed" })
	p.await(p.source, done.Position)
	return files
}

// checkDifference compares events with the difference of two trees, and gives how
// many files differ. What moved unchanged is a rename.
func checkDifference(t *testing.T, what string, before, after map[string]version, events []followed) int {
	t.Helper()
	added, removed, modified := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range events {
		d := e.Data
		switch d.Change {
		case "added":
			added[d.Path] = true
		case "removed":
			removed[d.Path] = true
		case "renamed":
			added[d.Path], removed[d.OldPath] = true, true
		case "modified":
			modified[d.Path] = true
		default:
			t.Errorf("%s: got %s of %q", what, d.Change, d.Path)
		}
		if d.Change != "removed" && d.Revision != after[d.Path].ID {
			t.Errorf("%s: got revision %s of %q, want %s", what, d.Revision, d.Path, after[d.Path].ID)
		}
	}
	wantAdded, wantRemoved, wantModified := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for path, b := range after {
		if old, ok := before[path]; !ok {
			wantAdded[path] = true
		} else if old.ID != b.ID {
			wantModified[path] = true
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			wantRemoved[path] = true
		}
	}
	for _, d := range []string{cmp.Diff(wantAdded, added), cmp.Diff(wantRemoved, removed), cmp.Diff(wantModified, modified)} {
		if d != "" {
			t.Errorf("%s: events (-git +events):\n%.3000s", what, d)
		}
	}
	return len(wantAdded) + len(wantRemoved) + len(wantModified)
}

// checkListed looks for every delivery in GET /webhook-events.
func (p *pushing) checkListed(n int) {
	p.t.Helper()
	seen := map[string]bool{}
	for cursor := ""; ; {
		var reply struct {
			WebhookEvents []struct{ Origin, DeliveryID, ProviderEvent, JobID string }
			Next          string
		}
		fetch(p.t, p.server.URL+"/webhook-events?sourceId="+p.source+"&limit=100"+cursor, &reply)
		for _, e := range reply.WebhookEvents {
			if e.Origin != "webhook" {
				continue
			}
			seen[e.DeliveryID] = true
			if e.ProviderEvent != "push" || e.JobID == "" {
				p.t.Errorf("got %+v, want a push and its job", e)
			}
		}
		if reply.Next == "" {
			break
		}
		cursor = "&cursor=" + reply.Next
	}
	if len(seen) != n {
		p.t.Errorf("got %d deliveries in the list, want %d", len(seen), n)
	}
}

// A history is what an author pushes: a copy of the Go source tree, and what
// becomes of it.
type history struct {
	*forge
	own   *gittest.Repo // the author's
	rng   *rand.Rand
	paths []string // of main
	n     int      // of names and contents
}

func newHistory(t *testing.T, f *forge, most int) *history {
	t.Helper()
	h := &history{forge: f, own: f.git.Create("author/hello"), rng: rand.New(rand.NewPCG(1, 2))}
	root := filepath.Join(goroot(t), "src")
	var edits []gittest.Edit
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || len(edits) == most {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		edits = append(edits, gittest.Put(filepath.ToSlash(name), string(content)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.own.Commit("main", edits...)
	h.publish()
	return h
}

// publish pushes all branches through the server, by force.
func (h *history) publish() {
	h.t.Helper()
	h.own.Git("push", "--quiet", "--force", h.repo.URL, "+refs/heads/*:refs/heads/*")
}

// step changes something, publishes it and says what it was.
func (h *history) step(i int) string {
	h.t.Helper()
	h.refresh()
	what := h.change(i)
	h.publish()
	return what
}

// refresh reads which files main has.
func (h *history) refresh() {
	h.paths = strings.Split(strings.TrimSuffix(h.own.Git("ls-tree", "-r", "-z", "--name-only", "--full-tree", "main"), "\x00"), "\x00")
}

func (h *history) change(i int) string {
	switch i % 10 {
	case 3:
		h.own.CommitFrom("main", "refs/heads/main^0~1", nil, h.edits(5)...)
		return "a force push over the last commit"
	case 5:
		h.repo.Default("side")
		return "another default branch" // that the step before has made
	case 4:
		h.own.CommitFrom("side", "refs/heads/main^0", nil, h.edits(20)...)
		return "a branch beside"
	case 6:
		h.own.Commit("side", h.edits(3)...)
		return "a commit there"
	case 7:
		h.repo.Default("main")
		h.own.CommitFrom("main", "refs/heads/main^0", []string{"refs/heads/side"}, h.edits(4)...)
		return "back to main, with a merge"
	case 9:
		h.own.CommitFrom("main", h.own.Git("commit-tree", "-m", "a new beginning", "main^{tree}"), nil, h.edits(25)...)
		return "a history that has nothing to do with the one before"
	}
	h.own.Commit("main", h.edits(1+h.rng.IntN(30))...)
	return "a commit"
}

func (h *history) fresh() string { h.n++; return fmt.Sprintf("%d\n", h.n) }

// edits are n of all kinds, each of another file.
func (h *history) edits(n int) []gittest.Edit {
	h.rng.Shuffle(len(h.paths), func(i, j int) { h.paths[i], h.paths[j] = h.paths[j], h.paths[i] })
	var all []gittest.Edit
	for i := range min(n, len(h.paths)) {
		path := h.paths[i]
		switch h.rng.IntN(6) {
		case 0:
			all = append(all, gittest.Put("new/"+h.fresh()[:1]+"/"+strings.TrimSpace(h.fresh())+".txt", "new "+h.fresh()))
		case 1:
			all = append(all, gittest.Remove(path))
		case 2:
			all = append(all, gittest.Rename(path, "moved/"+strings.TrimSpace(h.fresh())+"/"+filepath.Base(path)))
		case 3:
			to := "moved/" + strings.TrimSpace(h.fresh()) + "-" + filepath.Base(path)
			all = append(all, gittest.Put(to, h.own.Blob("main:"+path)+"// and changed "+h.fresh()), gittest.Remove(path))
		default:
			all = append(all, gittest.Put(path, h.own.Blob("main:"+path)+"// edited "+h.fresh()))
		}
	}
	return all
}
