package pipeline_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/pipeline"
)

// What a neighbour may answer, over the connections that the client keeps: each answer
// is understood, and the next request gets its own.
func TestClientOverKeptConnections(t *testing.T) {
	t.Parallel()

	var made atomic.Int64
	large := strings.Repeat("x", 40_000)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("X-Own") != "own" || r.Header.Get(pipeline.HeaderKey) != "key" || r.Header.Get("Content-Type") != "text/plain" ||
			!strings.HasPrefix(r.UserAgent(), "Go-http-client/") || !strings.HasPrefix(r.Host, "127.0.0.1:") || r.RequestURI != "/a%20b?c=%2F" {
			http.Error(w, "not as it was sent", http.StatusBadRequest)
			return
		}
		switch text := string(body); text {
		case "none":
			w.WriteHeader(http.StatusNoContent)
		case "early":
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, `"early"`)
		case "chunked":
			_, _ = io.WriteString(w, `"chun`)
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, `ked"`)
		case "close":
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, `"close"`)
		case "refused":
			http.Error(w, large, http.StatusUnprocessableEntity)
		case "elsewhere":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			_, _ = fmt.Fprintf(w, "%q", text)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := &pipeline.Client{URL: s.URL, HTTP: pipeline.HTTPClient(4), Header: map[string]string{"X-Own": "own"}}
	defer c.HTTP.CloseIdleConnections()
	ask := func(text string) (string, error) {
		var answer string
		out := any(&answer)
		if text == "none" {
			out = nil
		}
		err := c.Post(t.Context(), pipeline.Request{Path: "/a b?c=%2F", Key: "key", Type: "text/plain", Body: []byte(text)}, out)
		return answer, err
	}
	for range 3 {
		for _, text := range []string{"plain", "none", "early", "chunked", large, "again"} {
			answer, err := ask(text)
			if err != nil || text != "none" && answer != text {
				t.Errorf("%.10s: got %.10q, %v", text, answer, err)
			}
		}
	}
	if n := made.Load(); n != 2 { // one of them for what is large
		t.Errorf("got %d connections for one request at a time, want 2", n)
	}
	if _, err := ask("refused"); !pipeline.IsFinal(err) || !strings.Contains(err.Error(), "answered 422: xxx") {
		t.Errorf("refused: got %.100v", err)
	}
	if _, err := ask("elsewhere"); err == nil || pipeline.IsFinal(err) || !strings.Contains(err.Error(), "302") {
		t.Errorf("elsewhere: got %v, want trouble: it is not followed", err)
	}
	for range 2 {
		if answer, err := ask("close"); err != nil || answer != "close" {
			t.Errorf("close: got %q, %v", answer, err)
		}
	}
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			text := fmt.Sprint("number ", n)
			if answer, err := ask(text); err != nil || answer != text {
				t.Errorf("%s: got %q, %v", text, answer, err)
			}
		})
	}
	all.Wait()
}

// The login of an address is sent, whichever way a request goes.
func TestClientLogsIn(t *testing.T) {
	t.Parallel()

	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, ok := r.BasicAuth(); !ok || name != "us" || password != "p:w" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer s.Close()
	c := &pipeline.Client{URL: strings.Replace(s.URL, "http://", "http://us:p%3Aw@", 1), HTTP: pipeline.HTTPClient(1)}
	defer c.HTTP.CloseIdleConnections()
	for _, body := range []string{"small", strings.Repeat("large", 10_000)} {
		if err := c.Post(t.Context(), pipeline.Request{Path: "/", Type: "text/plain", Body: []byte(body)}, nil); err != nil {
			t.Errorf("%.5s: %v", body, err)
		}
	}
}

// A crude is a neighbour that does as it is told with each connection.
func crude(t *testing.T, serve func(number int, c net.Conn, in *bufio.Reader)) *pipeline.Client {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for number := 1; ; number++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close() //nolint:errcheck // the test is over
				serve(number, c, bufio.NewReader(c))
			}()
		}
	}()
	return &pipeline.Client{URL: "http://" + l.Addr().String(), HTTP: pipeline.HTTPClient(2), Timeout: 10 * time.Second}
}

// request reads one; false: the connection was closed.
func request(in *bufio.Reader) bool {
	req, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

// A neighbour that restarts closes connections that nobody uses: the next request does
// not notice, if it may be repeated.
func TestClosedConnectionIsNoTrouble(t *testing.T) {
	t.Parallel()

	var asked atomic.Int64
	c := crude(t, func(_ int, c net.Conn, in *bufio.Reader) {
		if request(in) {
			asked.Add(1)
			_, _ = io.WriteString(c, noContent)
		}
	})
	for n := range 20 {
		if err := c.PostJSON(t.Context(), "/", "key", n, nil); err != nil {
			t.Errorf("request %d: %v", n, err)
		}
	}
	if n := asked.Load(); n != 20 {
		t.Errorf("got %d requests, want each once", n)
	}
}

// What is no answer is trouble, never an answer to another request.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()

	for name, answer := range map[string]string{
		"nothing":      "",
		"half a head":  "HTTP/1.1 204 No Con",
		"half a body":  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n\"12",
		"no HTTP":      "SSH-2.0-OpenSSH\r\n\r\n",
		"endless head": "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
		"only early":   strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := crude(t, func(number int, c net.Conn, in *bufio.Reader) {
				for request(in) {
					if number > 1 {
						_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\"good\"")
						continue
					}
					_, _ = io.WriteString(c, answer)
					return
				}
			})
			var out string
			if err := c.PostJSON(t.Context(), "/", "", 1, &out); err == nil || pipeline.IsFinal(err) {
				t.Errorf("got %v and %q, want trouble", err, out)
			}
			if err := c.PostJSON(t.Context(), "/", "", 2, &out); err != nil || out != "good" {
				t.Errorf("then: got %v and %q", err, out)
			}
		})
	}
}

// Bytes that nobody asked for are not taken for the answer to the next request.
func TestUnaskedAnswer(t *testing.T) {
	t.Parallel()

	c := crude(t, func(_ int, c net.Conn, in *bufio.Reader) {
		for request(in) {
			_, _ = io.WriteString(c, noContent+"HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 0\r\n\r\n")
		}
	})
	for range 5 {
		if err := c.PostJSON(t.Context(), "/", "key", 1, nil); err != nil {
			t.Error(err)
		}
	}
}

// A neighbour that takes its time is waited for as long as was said, in each part of
// its answer.
func TestClientGivesUp(t *testing.T) {
	t.Parallel()

	for name, answer := range map[string]string{"no answer": "", "no body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n\"12"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := make(chan struct{}, 2)
			c := crude(t, func(_ int, c net.Conn, in *bufio.Reader) {
				request(in)
				_, _ = io.WriteString(c, answer)
				got <- struct{}{}
				_, _ = in.ReadByte() // until the other side has enough
			})
			var out string
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-got
				cancel()
			}()
			if err := c.PostJSON(ctx, "/", "key", 1, &out); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: got %v", err)
			}
			c.Timeout = 50 * time.Millisecond
			if err := c.PostJSON(t.Context(), "/", "key", 1, &out); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("too late: got %v", err)
			}
		})
	}
}

// A connection outlives the context of who used it. Its end concerns only what is asked
// in it. A header that would end itself is never sent.
func TestContextsAndHeadersOfKeptConnections(t *testing.T) {
	t.Parallel()

	var made, smuggled atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Smuggled") != "" {
			smuggled.Add(1)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := &pipeline.Client{URL: s.URL, HTTP: pipeline.HTTPClient(4)}
	defer c.HTTP.CloseIdleConnections()
	for n := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		if err := c.PostJSON(ctx, "/", "", n, nil); err != nil {
			t.Errorf("request %d: %v", n, err)
		}
		cancel()
		if err := c.PostJSON(ctx, "/", "", n, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("after its context: got %v, want %v", err, context.Canceled)
		}
	}
	bad := pipeline.Request{Path: "/", Type: "text/plain", Body: []byte("x"), Header: http.Header{"X-Own": {"a\r\nX-Smuggled: b"}}}
	if err := c.Post(t.Context(), bad, nil); err == nil || smuggled.Load() != 0 {
		t.Errorf("got %v and %d headers smuggled, want an error and none", err, smuggled.Load())
	}
	if n := made.Load(); n != 1 {
		t.Errorf("got %d connections, want one for all that was asked", n)
	}
}
