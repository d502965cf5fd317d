package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
)

// streamed is a world whose log goes on when a test says so.
func streamed() *world {
	w := newWorld()
	w.records, w.more, w.left = someRecords(), make(chan domain.Record), make(chan struct{})
	w.ticks = map[time.Duration]chan time.Time{15 * time.Second: make(chan time.Time), 30 * time.Minute: make(chan time.Time)}
	return w
}

// An opened is an answer that is still being sent.
type opened struct {
	StatusCode int
	Header     http.Header
	Body       io.ReadCloser
}

// follow opens a stream of ann's source at url, which ends with the test.
func follow(t *testing.T, url, query string, header ...string) opened {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/sources/"+annSource.String()+"/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return opened{answer.StatusCode, answer.Header, answer.Body}
}

// block reads up to the next empty line: one event, or a comment.
func block(t *testing.T, lines *bufio.Scanner) map[string]string {
	t.Helper()
	found := map[string]string{}
	for lines.Scan() && lines.Text() != "" {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		found[name] = value
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestStreamOfEvents(t *testing.T) {
	t.Parallel()

	w := streamed()
	server := httptest.NewServer(httpapi.New(parts(w)))
	t.Cleanup(server.Close)
	answer := follow(t, server.URL, "?from=7")
	if got := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("got %d %q", answer.StatusCode, got)
	}
	lines := bufio.NewScanner(answer.Body)
	block(t, lines) // the opening comment
	var ids []string
	for range 2 {
		b := block(t, lines)
		var e struct{ Position, Change string }
		if err := json.Unmarshal([]byte(b["data"]), &e); err != nil || e.Position != b["id"] || e.Change == "" {
			t.Errorf("got %v, error %v", b, err)
		}
		ids = append(ids, b["id"])
	}
	foreign, own := w.records[1], w.records[3]
	for _, foreign.Position.Offset = range []int64{11, 12} {
		w.more <- foreign // the second is taken once the first is behind
	}
	w.ticks[15*time.Second] <- noon
	if b := block(t, lines); b["id"] != "3:11" && b["id"] != "3:12" || b["data"] != "" || b[""] != "heartbeat" {
		t.Errorf("got %v, want a heartbeat that moves the place to resume", b)
	}
	own.Position.Offset = 13
	w.more <- own
	ids = append(ids, block(t, lines)["id"])
	if diff := cmp.Diff([]string{"3:7", "3:10", "3:13"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	<-w.left // the reader of the log ends with its client
}

func TestStreamResumes(t *testing.T) {
	t.Parallel()

	w := streamed()
	server := httptest.NewServer(httpapi.New(parts(w)))
	t.Cleanup(server.Close)
	lines := bufio.NewScanner(follow(t, server.URL, "?from=1", "Last-Event-ID", "3:7").Body)
	block(t, lines)
	if b := block(t, lines); b["id"] != "3:10" {
		t.Errorf("got %v, want the first event behind 3:7", b)
	}
	for _, last := range []string{"4:7", "x", "3:-1", "3"} {
		api := httpapi.New(parts(streamed()))
		r := call(t, api, "GET", "/sources/"+annSource.String()+"/events", "", "Accept", "text/event-stream", "Last-Event-ID", last)
		wantProblem(t, wantRefusal(t, r, 400, "VALIDATION_ERROR"), "Last-Event-ID")
	}
}

// What ends a stream: the removal of its source, its age, and a log that does not
// hold the place. The last one is told.
func TestStreamEnds(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		end  func(w *world)
		want string
	}{
		"removal": {func(w *world) {
			r := w.records[0]
			r.Position.Offset, r.Event = 12, domain.SourceChanged{SourceID: annSource, Change: domain.SourceRemovalRequested}
			w.more <- r
		}, "removal_requested"},
		"age": {func(w *world) { w.ticks[30*time.Minute] <- noon }, ": events"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := streamed()
			server := httptest.NewServer(httpapi.New(parts(w)))
			t.Cleanup(server.Close)
			answer := follow(t, server.URL, "?from=11")
			tt.end(w)
			text, err := io.ReadAll(answer.Body)
			if err != nil || !strings.Contains(string(text), tt.want) {
				t.Errorf("got %q, error %v; want it to end after %q", text, err, tt.want)
			}
		})
	}
	w := streamed()
	w.err = domain.ErrLogLost
	api := httpapi.New(parts(w))
	w.records = nil
	r := call(t, api, "GET", "/sources/"+annSource.String()+"/events", "", "Accept", "text/event-stream")
	if w.reads != 1 || !strings.Contains(string(r.Body), `"code"`) {
		t.Errorf("got %s", r.Body)
	}
}

func TestStreamsOfAnOwnerAreBounded(t *testing.T) {
	t.Parallel()

	w := streamed()
	w.left = nil // many leave
	server := httptest.NewServer(httpapi.New(parts(w)))
	t.Cleanup(server.Close)
	var open []opened
	for range 16 {
		open = append(open, follow(t, server.URL, "?from=11"))
	}
	refused := follow(t, server.URL, "?from=11")
	body, err := io.ReadAll(refused.Body)
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, answer{refused.StatusCode, refused.Header, body}, 429, "RATE_LIMITED")
	w.ticks[30*time.Minute] <- noon // one of them ends
	ended := make(chan struct{}, len(open))
	for _, r := range open {
		go func() {
			_, _ = io.Copy(io.Discard, r.Body) // ends with its stream
			ended <- struct{}{}
		}()
	}
	<-ended
	if r := follow(t, server.URL, "?from=11"); r.StatusCode != 200 {
		t.Errorf("got %d after one ended, want 200", r.StatusCode)
	}
}

// I10 holds for streams, and what is wrong is said before one begins.
func TestRefusedStreams(t *testing.T) {
	t.Parallel()

	api := httpapi.New(parts(streamed()))
	stream := []string{"Accept", "text/event-stream"}
	wantRefusal(t, call(t, api, "GET", "/sources/"+bobSource.String()+"/events", "", stream...), 404, "SOURCE_NOT_FOUND")
	wantRefusal(t, call(t, api, "GET", "/sources/"+annSource.String()+"/events?from=-1", "", stream...), 400, "VALIDATION_ERROR")
	if r := call(t, api, "HEAD", "/sources/"+annSource.String()+"/events", "", stream...); r.StatusCode != 200 || len(r.Body) > 0 {
		t.Errorf("HEAD: got %d %s", r.StatusCode, r.Body)
	}
}

// A server that stops does not wait for streams.
func TestServeEndsStreams(t *testing.T) {
	t.Parallel()

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpapi.Serve(ctx, l, httpapi.New(parts(streamed())), slog.New(slog.DiscardHandler)) }()
	answer := follow(t, "http://"+l.Addr().String(), "?from=11")
	stop()
	if err := <-ended; err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Errorf("got %v, want a whole answer", err)
	}
}
