package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An asked is a request that a verb sent.
type asked struct {
	What, Body, Key, Position string // What: method and path with query
}

// fakeService answers each request "METHOD /path" by replies, in their order, the
// last one again and again; what it was asked is in the func it returns.
func fakeService(t *testing.T, replies map[string][]reply) (address string, requests func() []asked) {
	t.Helper()
	var mu sync.Mutex
	var all []asked
	next := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		all = append(all, asked{r.Method + " " + r.URL.String(), string(body), r.Header.Get("Authorization"), r.Header.Get("Min-Log-Position")})
		what := r.Method + " " + r.URL.Path
		answers := replies[what]
		if len(answers) == 0 {
			t.Errorf("%s is not expected", what)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		a := answers[min(next[what], len(answers)-1)]
		next[what]++
		if a.position != "" {
			w.Header().Set("Log-Position", a.position)
		}
		w.WriteHeader(a.status)
		if _, err := io.WriteString(w, a.body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []asked {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

type reply struct {
	status   int
	body     string
	position string
}

func ok(body string) []reply { return []reply{{status: http.StatusOK, body: body}} }

const (
	oneSource = `{"id":"s1","type":"localfs","name":"docs","status":"synced","stats":{"files":3,"totalSize":42},"createdAt":"2026-01-02T03:04:05Z","lastSyncAt":"2026-01-02T03:04:06.7Z","metadata":{"url":"file:///docs"}}`
	oneJob    = `{"id":"j1","job_id":"j1","sourceId":"s1","type":"full","trigger":"manual","status":"completed","progress":100,"stats":{"filesProcessed":3,"added":2,"errors":1},"queuedAt":"2026-01-02T03:04:05Z","failures":[{"path":"a\u001b[2Jb","code":"unreadable","reason":"denied"}]}`
)

func TestVerbs(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		args    []string
		replies map[string][]reply
		asked   []asked
		out     []string // what stdout holds
	}{
		"add": {
			args:    []string{"source", "add", "local", "rootPath=/docs", `includePaths=["**/*.md"]`, "maxFileSize=0", "defaultExcludes=false", "a=b=c", `n="1"`, "--name", "Docs"},
			replies: map[string][]reply{"POST /sources": {{http.StatusCreated, `{"id":"s1","name":"Docs","syncJob":{"id":"j1"}}`, "0:1"}}},
			asked: []asked{{What: "POST /sources",
				Body: `{"config":{"a":"b=c","defaultExcludes":false,"includePaths":["**/*.md"],"maxFileSize":0,"n":"1","rootPath":"/docs"},"name":"Docs","type":"local"}`}},
			out: []string{`connected "Docs" as source s1, first sync is job j1`},
		},
		"list": {
			args: []string{"source", "list", "--limit", "7"}, replies: map[string][]reply{"GET /sources": ok(`{"sources":[` + oneSource + `],"total":1}`)},
			asked: []asked{{What: "GET /sources?limit=7"}},
			out:   []string{"ID  TYPE     NAME  STATUS  FILES  BYTES  LAST SYNC\ns1  localfs  docs  synced  3      42     2026-01-02T03:04:06Z\n"},
		},
		"show": {
			args: []string{"source", "show", "s/1"}, replies: map[string][]reply{"GET /sources/s/1": ok(oneSource)},
			asked: []asked{{What: "GET /sources/s%2F1"}},
			out:   []string{"id         s1\n", "url        file:///docs\n", "files      3\n"},
		},
		"show as JSON": {
			args: []string{"source", "show", "s1", "--json"}, replies: map[string][]reply{"GET /sources/s1": ok(`{"id":"s1","unknown":["<&>"]}`)},
			asked: []asked{{What: "GET /sources/s1"}},
			out:   []string{"{\n  \"id\": \"s1\",\n  \"unknown\": [\n    \"<&>\"\n  ]\n}\n"},
		},
		"sync": {
			args: []string{"source", "sync", "s1", "--full"}, replies: map[string][]reply{"POST /sources/s1/sync": {{http.StatusAccepted, `{"job":{"id":"j1"},"job_id":"j1"}`, "0:1"}}},
			asked: []asked{{What: "POST /sources/s1/sync", Body: `{"type":"full"}`}},
			out:   []string{"job j1 syncs source s1"},
		},
		"remove": {
			args: []string{"source", "remove", "s1"}, replies: map[string][]reply{"DELETE /sources/s1": ok(`{"message":"","filesRemoved":3,"jobId":"j1"}`)},
			asked: []asked{{What: "DELETE /sources/s1"}},
			out:   []string{"source s1 with 3 files is being removed by job j1"},
		},
		"jobs": {
			args: []string{"jobs", "list", "--source", "s1", "--status", "completed"}, replies: map[string][]reply{"GET /jobs": ok(`{"jobs":[` + oneJob + `]}`)},
			asked: []asked{{What: "GET /jobs?limit=20&sourceId=s1&status=completed"}},
			out:   []string{"j1  s1      full  completed  100%      3      1       2026-01-02T03:04:05Z  -\n"},
		},
		"job": {
			args: []string{"jobs", "show", "j1"}, replies: map[string][]reply{"GET /jobs/j1": ok(oneJob)},
			asked: []asked{{What: "GET /jobs/j1"}},
			out:   []string{"counts        3 files, 2 added, 1 unreadable\n", "failure       a\uFFFD[2Jb: denied\n"}, // no escape sequences of strangers
		},
		"pause": {
			args: []string{"source", "pause", "s1"}, replies: map[string][]reply{"POST /sources/s1/pause": ok(oneSource)},
			asked: []asked{{What: "POST /sources/s1/pause"}}, out: []string{"source s1 is paused\n"},
		},
		"resume": {
			args: []string{"source", "resume", "s1"}, replies: map[string][]reply{"POST /sources/s1/resume": ok(oneSource)},
			asked: []asked{{What: "POST /sources/s1/resume"}}, out: []string{"source s1 is no longer paused\n"},
		},
		"release and wait": {
			args: []string{"source", "release", "s1", "--wait"},
			replies: map[string][]reply{
				"POST /sources/s1/deletes/release": {{http.StatusAccepted, `{"id":"s1","job":{"id":"j1"}}`, "2:5"}}, "GET /jobs/j1": ok(oneJob),
			},
			asked: []asked{{What: "POST /sources/s1/deletes/release"}, {What: "GET /jobs/j1", Position: "2:5"}},
			out:   []string{"deletes of source s1 are released, job j1 syncs it\n"},
		},
		"update": {
			args:    []string{"source", "update", "s1", "rootPath=/docs", `includePaths=["a/**"]`, "--name", "Docs"},
			replies: map[string][]reply{"PATCH /sources/s1": ok(`{"id":"s1","job":{"id":"j2"}}`)},
			asked:   []asked{{What: "PATCH /sources/s1", Body: `{"config":{"includePaths":["a/**"],"rootPath":"/docs"},"name":"Docs"}`}},
			out:     []string{"source s1 is changed, job j2 syncs it\n"},
		},
		"update and wait": {
			args: []string{"source", "update", "s1", "rootPath=/docs", "--wait"},
			replies: map[string][]reply{
				"PATCH /sources/s1": {{http.StatusOK, `{"id":"s1"}`, "0:3"}},
				"GET /sources/s1":   {{http.StatusOK, `{"id":"s1","syncDue":true}`, ""}, {http.StatusOK, `{"id":"s1"}`, ""}},
				"GET /jobs":         {{http.StatusOK, `{"jobs":[` + oneJob + `]}`, ""}, {http.StatusOK, `{"jobs":[{"id":"j2"}]}`, ""}},
				"GET /jobs/j2":      ok(`{"id":"j2","status":"completed"}`),
			},
			asked: []asked{
				{What: "GET /jobs?limit=1&sourceId=s1"}, {What: "PATCH /sources/s1", Body: `{"config":{"rootPath":"/docs"}}`},
				{What: "GET /sources/s1", Position: "0:3"}, {What: "GET /sources/s1", Position: "0:3"},
				{What: "GET /jobs?limit=1&sourceId=s1", Position: "0:3"}, {What: "GET /jobs/j2", Position: "0:3"},
			},
			out: []string{"source s1 is changed\n"},
		},
		"update without a sync": {
			args:    []string{"source", "update", "s1", "--name", "Docs", "--wait"},
			replies: map[string][]reply{"PATCH /sources/s1": ok(`{"id":"s1"}`), "GET /sources/s1": ok(oneSource), "GET /jobs": ok(`{"jobs":[` + oneJob + `]}`)},
			asked:   []asked{{What: "GET /jobs?limit=1&sourceId=s1"}, {What: "PATCH /sources/s1", Body: `{"name":"Docs"}`}, {What: "GET /sources/s1"}, {What: "GET /jobs?limit=1&sourceId=s1"}},
			out:     []string{"source s1 is changed\n"},
		},
		"held deletes": {
			args: []string{"source", "show", "s1"}, replies: map[string][]reply{"GET /sources/s1": ok(`{"id":"s1","heldDeletes":{"count":42}}`)},
			asked: []asked{{What: "GET /sources/s1"}}, out: []string{"42 files; to remove them: data-connector source release s1\n"},
		},
		"cancel": {
			args: []string{"jobs", "cancel", "j/1"}, replies: map[string][]reply{"POST /jobs/j/1/cancel": ok(`{"id":"j/1","status":"cancelled"}`)},
			asked: []asked{{What: "POST /jobs/j%2F1/cancel"}}, out: []string{"job j/1 is cancelled\n"},
		},
		"retry": {
			args: []string{"jobs", "retry", "j1"}, replies: map[string][]reply{"POST /jobs/j1/retry": ok(`{"id":"j2","status":"queued"}`)},
			asked: []asked{{What: "POST /jobs/j1/retry"}}, out: []string{"job j2 does it\n"},
		},
		"poison": {
			args:    []string{"poison", "list", "--source", "s1", "--causes", "--after", "t/0:3"},
			replies: map[string][]reply{"GET /poison": ok(`{"poison":[{"record":"t/0:7","sourceId":"s1","type":"x","error":"bad\nbytes","parks":true,"behind":5,"time":"2026-01-02T03:04:05Z"}]}`)},
			asked:   []asked{{What: "GET /poison?after=t%2F0%3A3&causes=true&limit=100&sourceId=s1"}},
			out:     []string{"t/0:7   s1      x     true   5       2026-01-02T03:04:05Z  bad\uFFFDbytes\n"},
		},
		"poison retried": {
			args: []string{"poison", "retry", "t/0:7"}, replies: map[string][]reply{"POST /poison/retry": ok(`{"folded":6,"left":1}`)},
			asked: []asked{{What: "POST /poison/retry", Body: `{"record":"t/0:7"}`}}, out: []string{"6 records folded, 1 still set aside\n"},
		},
		"poison of a source retried": {
			args: []string{"poison", "retry", "--source", "s1"}, replies: map[string][]reply{"POST /poison/retry": ok(`{"folded":6,"left":0}`)},
			asked: []asked{{What: "POST /poison/retry", Body: `{"sourceId":"s1"}`}}, out: []string{"6 records folded"},
		},
		"poison skipped": {
			args: []string{"poison", "skip", "t/0:7"}, replies: map[string][]reply{"POST /poison/skip": ok(`{"folded":5,"left":0}`)},
			asked: []asked{{What: "POST /poison/skip", Body: `{"record":"t/0:7"}`}}, out: []string{"5 records folded"},
		},
		"projections": {
			args:    []string{"projections"},
			replies: map[string][]reply{"GET /projections": ok(`{"projections":[{"topic":"t","partition":1,"state":"behind","position":7,"end":9,"lag":2,"recordsPerSecond":1.26,"poison":0,"parked":0,"updatedAt":"2026-01-02T03:04:05Z"},{"topic":"u","partition":0,"state":"unknown","position":3}]}`)},
			asked:   []asked{{What: "GET /projections"}},
			out:     []string{"t      1          behind   7         2    1.3       0", "u      0          unknown  3         -    0.0 "},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			address, requests := fakeService(t, tt.replies)
			out := must(t, []string{"DATA_CONNECTOR_API_KEY=dck_1"}, append(tt.args, "--url", address+"/")...)
			for i := range tt.asked {
				tt.asked[i].Key = "Bearer dck_1"
			}
			if diff := cmp.Diff(tt.asked, requests()); diff != "" {
				t.Errorf("requests -want +got:\n%s", diff)
			}
			for _, want := range tt.out {
				if !strings.Contains(out, want) {
					t.Errorf("got\n%s\nwant it to hold\n%s", out, want)
				}
			}
		})
	}
}

// A job that is waited for is asked after with the position of the order, so that
// it is known; a service that is busy, or was asked too much, is asked again.
func TestWait(t *testing.T) {
	t.Parallel()

	address, requests := fakeService(t, map[string][]reply{
		"POST /sources/s1/sync": {{http.StatusAccepted, `{"job_id":"j1"}`, "3:17"}},
		"GET /jobs/j1": {
			{status: http.StatusServiceUnavailable, body: `{"error":{"code":"UNAVAILABLE","message":"later"}}`},
			{status: http.StatusTooManyRequests, body: `{"error":{"code":"RATE_LIMITED","message":"later"}}`},
			{status: http.StatusOK, body: `{"id":"j1","status":"running","stats":{"filesProcessed":1}}`},
			{status: http.StatusOK, body: `{"id":"j1","status":"completed","stats":{"filesProcessed":2,"modified":1}}`},
		},
	})
	r := call(t, []string{"DATA_CONNECTOR_URL=" + address}, "source", "sync", "s1", "--wait")
	if want := "running: 1 files\ncompleted: 2 files, 1 modified\n"; r.code != exitOK || r.err != want {
		t.Errorf("got exit code %d and\n%s\nwant 0 and\n%s", r.code, r.err, want)
	}
	for _, q := range requests()[1:] {
		if q.Position != "3:17" {
			t.Errorf("%s: got position %q, want 3:17", q.What, q.Position)
		}
	}
}

func TestWaitForFailure(t *testing.T) {
	t.Parallel()

	address, _ := fakeService(t, map[string][]reply{
		"POST /sources/s1/sync": {{http.StatusAccepted, `{"job_id":"j1"}`, ""}},
		"GET /jobs/j1":          ok(`{"id":"j1","status":"failed","error":"the folder is gone"}`),
	})
	r := call(t, nil, "source", "sync", "s1", "--wait", "--url", address)
	if r.code != exitFailed || !strings.Contains(r.err, "job j1 failed: the folder is gone") {
		t.Errorf("got exit code %d and %q", r.code, r.err)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()

	refused := func(status int, body string) map[string][]reply {
		return map[string][]reply{"POST /sources": {{status: status, body: body}}}
	}
	add := []string{"source", "add", "local", "rootPath=/a"}
	tests := map[string]struct {
		args    []string
		replies map[string][]reply
		code    int
		err     string
	}{
		"connected already": {add, refused(http.StatusConflict, `{"error":{"code":"CONFLICT","message":"already connected as source s1","details":{"sourceId":"s1"}}}`),
			exitConflict, "already connected as source s1 (409 CONFLICT); to look for changes: data-connector source sync s1"},
		"bad input": {add, refused(http.StatusBadRequest, `{"error":{"code":"VALIDATION_ERROR","message":"config.x: unknown option","details":[{"field":"config.x"}]}}`),
			exitFailed, "config.x: unknown option (400 VALIDATION_ERROR)"},
		"its fault": {add, refused(http.StatusInternalServerError, `{"error":{"code":"INTERNAL_ERROR","message":"oh","details":{"correlationId":"c7"}}}`),
			exitFailed, `oh (500 INTERNAL_ERROR) {"correlationId":"c7"}`},
		"another service":  {add, refused(http.StatusBadGateway, "<html>"), exitFailed, `unexpected answer: "<html>"`},
		"another's answer": {add, refused(http.StatusOK, "<html>"), exitFailed, "does not answer as data-connector does"},
		"nothing held": {[]string{"source", "release", "s1"}, map[string][]reply{"POST /sources/s1/deletes/release": {{status: http.StatusConflict, body: `{"error":{"code":"CONFLICT","message":"it holds no deletes"}}`}}},
			exitConflict, "it holds no deletes (409 CONFLICT)"},
		"no change":           {[]string{"source", "update", "s1"}, nil, exitUsage, "nothing to change"},
		"no record":           {[]string{"poison", "retry"}, nil, exitUsage, "give one record"},
		"no such verb":        {[]string{"sync"}, nil, exitUsage, `unknown command "sync"`},
		"a verb is missing":   {[]string{"source"}, nil, exitUsage, "source needs a verb"},
		"no such verb below":  {[]string{"source", "ad"}, nil, exitUsage, `unknown command "ad"`},
		"no such flag":        {[]string{"lag", "--fast"}, nil, exitUsage, "unknown flag: --fast"},
		"no type":             {[]string{"source", "add"}, nil, exitUsage, "requires at least 1 arg"},
		"no pair":             {[]string{"source", "add", "local", "/a"}, nil, exitUsage, `"/a" is not of the form key=value`},
		"an option twice":     {[]string{"source", "add", "local", "a=1", "a=2"}, nil, exitUsage, "option a is given twice"},
		"two services":        {[]string{"source", "list", "--data", "d"}, nil, exitUsage, "--url and --data name two services"},
		"unknown role":        {[]string{"serve", "--roles", "api,cook"}, nil, exitUsage, `unknown role "cook"; allowed: api, projector, scheduler, syncer, dispatcher`},
		"nothing configured":  {[]string{"serve"}, nil, exitFailed, "DATABASE_URL: is required"},
		"offset of where":     {[]string{"events", "tail", "--from", "7"}, nil, exitUsage, "needs --partition"},
		"from where":          {[]string{"events", "tail", "--from", "yesterday"}, nil, exitUsage, "allowed: beginning, now, or an offset"},
		"nothing to look at":  {[]string{"lag"}, nil, exitFailed, "KAFKA_BOOTSTRAP_SERVERS: is required"},
		"not a key":           {[]string{"apikey", "revoke", "7"}, nil, exitUsage, "is not the id of an API key"},
		"keys of which table": {[]string{"apikey", "list"}, nil, exitFailed, "no standalone runs on .data"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			args := tt.args
			if args[0] == "source" && len(args) > 2 {
				address, _ := fakeService(t, tt.replies)
				args = append(args[:len(args):len(args)], "--url", address)
			}
			r := call(t, nil, args...)
			if r.code != tt.code || !strings.Contains(r.err, tt.err) || r.out != "" {
				t.Errorf("got exit code %d, %q, %q, want %d and %q", r.code, r.out, r.err, tt.code, tt.err)
			}
		})
	}
}

func TestNothingRuns(t *testing.T) {
	t.Parallel()

	r := call(t, nil, "source", "list", "--data", t.TempDir())
	if r.code != exitFailed || !strings.Contains(r.err, "not running") || !strings.Contains(r.err, "--url") {
		t.Errorf("got exit code %d and %q", r.code, r.err)
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()

	if out := must(t, nil); !strings.Contains(out, "standalone") || !strings.Contains(out, "Run the service with servers of its own") {
		t.Errorf("got %q, want the list of verbs", out)
	}
	if out := must(t, nil, "version"); !strings.HasPrefix(out, "data-connector ") || !strings.Contains(out, "go1.") {
		t.Errorf("got %q, want the version", out)
	}
}

func TestOptionValue(t *testing.T) {
	t.Parallel()

	for value, want := range map[string]string{
		"a b": `"a b"`, "": `""`, "12": "12", "1e3": "1e3", "true": "true", `["a"]`: `["a"]`, `"12"`: `"12"`, "null": `"null"`,
		`{"a":1}`: `"{\"a\":1}"`, "[a": `"[a"`, "0x10": `"0x10"`, "**/*.go": `"**/*.go"`,
	} {
		got, err := optionValue(value)
		if err != nil || string(got) != want || !json.Valid(got) {
			t.Errorf("%q: got %s, %v, want %s", value, got, err, want)
		}
	}
}
