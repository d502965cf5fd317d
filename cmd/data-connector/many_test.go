package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
)

// longVariable asks for the full size of what takes minutes.
const longVariable = "LONG"

// sources is how many are connected, half of them by each of two owners.
const sources = 50

// The sizes of the one big source.
const (
	shortFiles = 100_000 // as far as the fairness between owners shows
	longFiles  = 200_000 // what it is promised for
	massDelete = 10_000  // files that are deleted at once
)

// Two instances share the work of 50 sources of two owners, of which one is big:
// all others finish first. One instance is killed: the other one completes what
// it has begun. Then most of the big source is deleted at once, which is held and
// released, and its scope is narrowed, which deletes at once.
func TestManySources(t *testing.T) {
	t.Parallel()

	files := shortFiles
	if os.Getenv(longVariable) == "" {
		t.Logf("the big source has %d files, not %d: set %s=1 for the full size, which takes minutes", shortFiles, longFiles, longVariable)
	} else {
		files = longFiles
	}
	dir := bigFolder(t, files)
	root := t.TempDir()
	env := with(serveEnv(t, dir, root), "AUTH_MODE=apikey", "SYNC_RATE_LIMIT=0", "CONNECT_RATE_LIMIT=0", "API_RATE_LIMIT=0")
	instances := map[string]*child{}
	for _, name := range []string{"one", "two"} {
		instances[name] = startChild(t, with(env, "WORKER_NAME="+name), "serve")
	}
	ann, bob := owner(t, env, "ann", instances["one"]), owner(t, env, "bob", instances["two"])
	begun := time.Now()
	big := begin(t, ann, dir)
	waitForFiles(t, env, big, files/100)
	connectSmall(t, root, ann, bob)
	took := time.Since(begun)
	if open := openJobs(t, env); len(open) != 1 || open[0] != big {
		t.Fatalf("got open jobs of %v when all other sources were synced, want the one of the big source %s", open, big)
	}
	left := killWorkerOf(t, env, big, instances)
	ann = owner(t, env, "ann", left)
	must(t, ann, "source", "sync", big, "--wait")
	t.Logf("%d sources were synced %s after the big one began; it was complete after %s, with the instance killed that had begun it", sources-1, took, time.Since(begun))
	if !strings.Contains(left.log(), `"msg":"run ended"`) {
		t.Errorf("the other instance has done no job before: the work is not shared:\n%s", left.log())
	}
	checkAddedOnce(t, env, big, checkTruth(t, env, big, dir))
	checkMassDelete(t, env, ann, left, big, dir, files)
	checkNarrowedScope(t, ann, left, big, dir, files)
	left.stop(t)
}

// owner are the variables of a client of one owner, with a key of its own.
func owner(t *testing.T, env []string, name string, at *child) []string {
	t.Helper()
	key := must(t, env, "apikey", "create", "--owner", name, "--name", "test")
	return with(env, "DATA_CONNECTOR_URL="+at.URL, "DATA_CONNECTOR_API_KEY="+strings.TrimSpace(key))
}

// killWorkerOf kills the one of two instances that has the source, and gives the
// other one.
func killWorkerOf(t *testing.T, env []string, source string, instances map[string]*child) *child {
	t.Helper()
	victim := workerOf(t, env, source)
	instances[victim].kill(t)
	for name, left := range instances {
		if name != victim {
			return left
		}
	}
	t.Fatalf("worker %q is all there is", victim)
	return nil
}

// workerOf is the instance that has the source now.
func workerOf(t *testing.T, env []string, source string) string {
	t.Helper()
	opt, err := goredis.ParseURL(mapOf(env)["REDIS_URL"])
	if err != nil {
		t.Fatal(err)
	}
	queue := goredis.NewClient(opt)
	defer func() { _ = queue.Close() }() // nothing is written
	raw, err := queue.HGet(t.Context(), mapOf(env)["REDIS_PREFIX"]+"{queue}:leases", source).Result()
	var lease struct{ Worker string }
	if err = errors.Join(err, json.Unmarshal([]byte(raw), &lease)); err != nil {
		t.Fatal(err)
	}
	return lease.Worker
}

// bigFolder has n files, a thousand a folder.
func bigFolder(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		path := bigPath(dir, i)
		if i%1000 == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, fmt.Appendf(nil, "file %d\n", i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func bigPath(dir string, i int) string {
	return filepath.Join(dir, fmt.Sprintf("%03d", i/1000), fmt.Sprintf("%06d.txt", i))
}

// connectSmall connects all other sources, all at once, and waits until they are
// synced.
func connectSmall(t *testing.T, root string, owners ...[]string) {
	t.Helper()
	var clients sync.WaitGroup
	for i := range sources - 1 {
		clients.Go(func() {
			dir := filepath.Join(root, fmt.Sprint(i))
			err := os.Mkdir(dir, 0o700)
			for f := 0; f < 3 && err == nil; f++ {
				err = os.WriteFile(filepath.Join(dir, fmt.Sprint(f)), fmt.Appendf(nil, "%d of %d", f, i), 0o600)
			}
			if err != nil {
				t.Error(err)
			}
			if r := call(t, owners[i%len(owners)], "source", "add", "localfs", "rootPath="+dir, "--wait"); r.code != exitOK {
				t.Errorf("source %d: %s", i, r.err)
			}
		})
	}
	clients.Wait()
}

// openJobs are the sources of the jobs that have not ended.
func openJobs(t *testing.T, env []string) []string {
	t.Helper()
	found, err := database(t, env).Query(t.Context(), `SELECT source_id::text FROM read.sync_jobs WHERE status IN ('queued', 'running')`)
	if err != nil {
		t.Fatal(err)
	}
	open, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return open
}

// checkMassDelete deletes more than half of the files: they stay until somebody
// releases them.
func checkMassDelete(t *testing.T, env, cli []string, at *child, source, dir string, files int) {
	t.Helper()
	gone := max(massDelete, files/2) + 1
	must(t, cli, "source", "pause", source) // a listing in the middle of it would find less than half missing
	for i := range gone {
		if err := os.Remove(bigPath(dir, i)); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	must(t, cli, "source", "resume", source)
	must(t, cli, "source", "sync", source, "--full", "--wait")
	if s := sourceNow(t, cli, at, source); s.HeldDeletes.Count != gone || s.Stats.Files != files {
		t.Fatalf("got %+v, want %d deletes held and %d files", s, gone, files)
	}
	held := time.Since(begun)
	begun = time.Now()
	must(t, cli, "source", "release", source, "--wait")
	if s := sourceNow(t, cli, at, source); s.HeldDeletes.Count != 0 || s.Stats.Files != files-gone {
		t.Fatalf("got %+v, want nothing held and %d files", s, files-gone)
	}
	t.Logf("%d files deleted at once were held after %s and gone %s after the release", gone, held, time.Since(begun))
	checkTruth(t, env, source, dir)
}

// checkNarrowedScope leaves out all folders but one: what is out of scope was
// asked for and is not held.
func checkNarrowedScope(t *testing.T, cli []string, at *child, source, dir string, files int) {
	t.Helper()
	before := sourceNow(t, cli, at, source).Stats.Files
	begun := time.Now()
	must(t, cli, "source", "update", source, "rootPath="+dir, fmt.Sprintf(`includePaths=["%03d/**"]`, files/1000-1), "--wait")
	left := sourceNow(t, cli, at, source)
	if left.HeldDeletes.Count != 0 || left.Stats.Files != 1000 {
		t.Errorf("got %+v of %d files, want the thousand of one folder and nothing held", left, before)
	}
	t.Logf("a narrowed scope deleted %d of %d files in %s", before-left.Stats.Files, before, time.Since(begun))
}

// A sourceState is what GET /sources/{id} says.
type sourceState struct {
	HeldDeletes struct{ Count int }
	Stats       struct{ Files int }
}

func sourceNow(t *testing.T, cli []string, at *child, source string) sourceState {
	t.Helper()
	var s sourceState
	resp := request(t, http.MethodGet, at.URL+"/sources/"+source, http.Header{"X-Api-Key": {mapOf(cli)["DATA_CONNECTOR_API_KEY"]}})
	defer func() { _ = resp.Body.Close() }() // read to its end
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d, %v", resp.StatusCode, err)
	}
	return s
}
