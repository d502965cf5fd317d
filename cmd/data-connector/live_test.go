package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A followed is an event as events tail shows it.
type followed struct {
	Position string
	Data     struct {
		Change   string
		Path     string
		OldPath  string `json:"old_path"`
		Revision string
		JobID    string `json:"job_id"`
		Code     string
		Held     *struct{ Count int64 }
		Hint     *struct {
			Origin     string
			DeliveryID string `json:"delivery_id"`
		}
	}
}

// A follower reads the events of one source as they come, each once.
type follower struct{ lines *bufio.Scanner }

// follow begins at the first event of the source.
func follow(t *testing.T, env []string, source string) *follower {
	t.Helper()
	return followFor(t, env, source, startTime)
}

// followFor is follow for what takes longer.
func followFor(t *testing.T, env []string, source string, limit time.Duration) *follower {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), limit)
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"events", "tail", "--from", "beginning", "--source", source, "--json"}, stdio{in: strings.NewReader(""), out: in, err: io.Discard}, env)
		_ = in.Close() // never fails
	}()
	t.Cleanup(func() {
		stop()
		_ = out.Close() // never fails
		<-ended
	})
	return &follower{bufio.NewScanner(out)}
}

// until gives the next event that is wanted, and the changes that came before it.
func (f *follower) until(t *testing.T, what string, wanted func(followed) bool) (e followed, before []string) {
	t.Helper()
	for f.lines.Scan() {
		e = followed{}
		if err := json.Unmarshal(f.lines.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", f.lines.Bytes(), err)
		}
		if wanted(e) {
			return e, before
		}
		before = append(before, e.Data.Change)
	}
	t.Fatalf("waiting for %s: the events end after %q: %v", what, before, f.lines.Err())
	return e, before
}

func (f *follower) change(t *testing.T, change string) (e followed, before []string) {
	t.Helper()
	return f.until(t, change, func(e followed) bool { return e.Data.Change == change })
}

// fetchAt reads a path of a service as it is from a position of the log on.
func fetchAt(t *testing.T, url, position string, reply any) {
	t.Helper()
	resp := request(t, http.MethodGet, url, http.Header{"Min-Log-Position": {position}})
	defer func() { _ = resp.Body.Close() }() // read to its end
	if err := json.NewDecoder(resp.Body).Decode(reply); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d, %v", url, resp.StatusCode, err)
	}
}

// request sends one without a body; the caller closes the answer's.
func request(t *testing.T, method, url string, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// A bed is one live source in a service of its own.
type bed struct {
	*follower
	dir, url, id string
	cli          []string
}

// paths are the paths of the source's files as of a position.
func (b bed) paths(t *testing.T, position string) string {
	t.Helper()
	var reply struct{ Files []struct{ Path string } }
	fetchAt(t, b.url+"/sources/"+b.id+"/files?limit=1000", position, &reply)
	var all []string
	for _, f := range reply.Files {
		all = append(all, f.Path)
	}
	return strings.Join(all, " ")
}

// What a user sees of a live source: saved files come by themselves, a pause holds,
// a narrower scope removes at once, a mass delete waits for its release.
func TestLive(t *testing.T) {
	t.Parallel()

	files := map[string]string{"keep/a": "a", "keep/b": "b", "drop/c": "c"}
	for i := range 30 {
		files["keep/many/"+strconv.Itoa(i)] = strconv.Itoa(i)
	}
	dir := folder(t, files)
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	b := bed{dir: dir, url: server.URL, cli: cli, id: connect(t, cli, dir)}
	b.follower = follow(t, env, b.id)
	b.change(t, "sync_completed")
	b.saves(t)
	b.pauses(t)
	b.narrows(t)
	b.holds(t)
	server.stop(t)
}

// saves: a saved file becomes a row without anybody asking.
func (b bed) saves(t *testing.T) {
	t.Helper()
	b.save(t, "keep/saved")
	hint, _ := b.change(t, "hint_received")
	if hint.Data.Hint == nil || hint.Data.Hint.Origin != "watch" {
		t.Errorf("got hint %+v, want one of the watch", hint.Data.Hint)
	}
	added, _ := b.until(t, "keep/saved", func(e followed) bool { return e.Data.Change == "added" && e.Data.Path == "keep/saved" })
	if got := b.paths(t, added.Position); !strings.Contains(got, "keep/saved") {
		t.Errorf("got files %s, want keep/saved among them", got)
	}
	b.change(t, "sync_completed")
}

func (b bed) save(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, path), []byte(path), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pauses: no sync begins between pause and resume, and a job cancelled meanwhile
// never does.
func (b bed) pauses(t *testing.T) {
	t.Helper()
	must(t, b.cli, "source", "pause", b.id)
	if out := must(t, b.cli, "source", "show", b.id); !strings.Contains(strings.Join(strings.Fields(out), " "), " paused true ") || strings.Contains(out, "error") {
		t.Errorf("got\n%s\nwant it paused", out)
	}
	b.save(t, "keep/paused")
	var order struct {
		JobID string `json:"job_id"`
	}
	if err := json.Unmarshal([]byte(must(t, b.cli, "source", "sync", b.id, "--json")), &order); err != nil {
		t.Fatal(err)
	}
	if out := must(t, b.cli, "jobs", "cancel", order.JobID); !strings.Contains(out, "is cancelled") {
		t.Errorf("cancel: got %q", out)
	}
	if r := call(t, b.cli, "jobs", "cancel", order.JobID); r.code != exitConflict {
		t.Errorf("a second cancel: got exit code %d, %s, want %d", r.code, r.err, exitConflict)
	}
	must(t, b.cli, "jobs", "retry", order.JobID)
	must(t, b.cli, "source", "resume", b.id)
	b.change(t, "paused")
	_, between := b.change(t, "resumed")
	if got := strings.Join(between, " "); !strings.Contains(got, "sync_requested sync_cancelled sync_requested") || strings.Contains(got, "started") {
		t.Errorf("between pause and resume: got %q, want a job that is cancelled and ordered again, and none that starts", got)
	}
	started, _ := b.change(t, "sync_started")
	if started.Data.JobID == order.JobID {
		t.Error("the cancelled job starts")
	}
	b.until(t, "keep/paused", func(e followed) bool { return e.Data.Path == "keep/paused" })
	b.change(t, "sync_completed")
}

// narrows: what a narrower scope leaves out goes at once.
func (b bed) narrows(t *testing.T) {
	t.Helper()
	must(t, b.cli, "source", "update", b.id, "rootPath="+b.dir, `includePaths=["keep/**"]`, "--wait")
	b.change(t, "updated")
	removed, _ := b.until(t, "drop/c", func(e followed) bool { return e.Data.Change == "removed" && e.Data.Path == "drop/c" })
	if got := b.paths(t, removed.Position); strings.Contains(got, "drop/") || !strings.Contains(got, "keep/a keep/b") {
		t.Errorf("got files %s, want those below keep", got)
	}
	b.change(t, "sync_completed")
}

// holds: a mass delete shows on the source and waits for its release.
func (b bed) holds(t *testing.T) {
	t.Helper()
	if err := os.Rename(filepath.Join(b.dir, "keep/many"), filepath.Join(t.TempDir(), "many")); err != nil {
		t.Fatal(err)
	}
	held, before := b.change(t, "deletes_held")
	if held.Data.Held == nil || held.Data.Held.Count != 30 || strings.Contains(strings.Join(before, " "), "removed") {
		t.Errorf("got %+v after %q, want 30 deletes held and none done", held.Data.Held, before)
	}
	var source struct {
		Stats       struct{ Files int64 }
		HeldDeletes struct{ Count int64 }
	}
	fetchAt(t, b.url+"/sources/"+b.id, held.Position, &source)
	if source.HeldDeletes.Count != 30 || source.Stats.Files != 34 {
		t.Errorf("got %+v, want 30 held deletes on a source of 34 files", source)
	}
	b.metrics(t)
	b.change(t, "sync_completed")
	must(t, b.cli, "source", "release", b.id, "--wait")
	completed, _ := b.change(t, "sync_completed")
	if got := b.paths(t, completed.Position); got != "keep/a keep/b keep/paused keep/saved" {
		t.Errorf("got files %s, want the four that are left", got)
	}
	if r := call(t, b.cli, "source", "release", b.id); r.code != exitConflict {
		t.Errorf("a second release: got exit code %d, %s, want %d", r.code, r.err, exitConflict)
	}
}

// metrics: what docs/operations.md names is there, with the values of this moment.
func (b bed) metrics(t *testing.T) {
	t.Helper()
	var got string
	fetch(t, b.url+"/metrics", &got)
	for _, want := range []string{
		"held_deletes 30", "holding_sources 1", `projection_lag{partition="0"} `, `sources{provider="localfs",status="`, "retrying_jobs 0",
		`provider_calls_total{outcome="ok",provider="localfs"} 0`, `provider_budget_remaining{provider="localfs"} -1`, `provider_call_duration_seconds_count{provider="localfs"} 0`, "uncounted_requests_total 0",
		`queue_tickets{state="leased"} `, "queue_oldest_seconds ", `committed_pages_total{provider="localfs"} `, `committed_events_total{provider="localfs"} 36`,
		`committed_content_bytes_total{provider="localfs"} `, `unreadable_items_total{provider="localfs"} 0`, "projection_folded_records_total{partition=", "projection_poison{partition=",
		"projection_parked_sources{partition=", `http_requests_total{method="POST",route="/sources/{id}/pause",status="2`, `http_request_duration_seconds_count{method="PATCH",route="/sources/{id}"} 1`,
	} {
		if !strings.Contains(got, "\ndataconnector_"+want) {
			t.Errorf("got metrics\n%s\nwant %s", got, want)
		}
	}
	if diff := cmp.Diff(documentedMetrics(t), namesIn(regexp.MustCompile(`(?m)^# TYPE (dataconnector_\w+) `), got)); diff != "" {
		t.Errorf("metrics (-in docs/operations.md +served):\n%s", diff)
	}
}

// documentedMetrics are the names in the table of docs/operations.md.
func documentedMetrics(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	return namesIn(regexp.MustCompile("(?m)^\\| `(dataconnector_\\w+)` "), string(raw))
}

// namesIn are the first groups of all matches, sorted, each once.
func namesIn(pattern *regexp.Regexp, text string) []string {
	var names []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
