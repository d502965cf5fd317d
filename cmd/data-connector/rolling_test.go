package main

import (
	"context"
	"io"
	"net/http"
	"testing"
)

// While one of two instances is restarted the other one answers everything: no
// request to it fails, whoever folded what it waits for.
func TestRollingRestart(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a", "b": "b"})
	env := serveEnv(t, dir)
	first := with(env, "WORKER_NAME=first")
	one, two := startChild(t, first, "serve"), startChild(t, with(env, "WORKER_NAME=second"), "serve")
	id := connect(t, with(env, "DATA_CONNECTOR_URL="+two.URL), dir)

	ctx, stop := context.WithCancel(t.Context())
	url := two.URL + "/sources/" + id
	reads, orders := ask(ctx, http.MethodGet, url), ask(ctx, http.MethodPost, url+"/sync")
	<-reads.begun
	<-orders.begun
	one.stop(t)
	one = startChild(t, first, "serve")
	one.stop(t)
	stop()
	for _, a := range []*asking{reads, orders} {
		<-a.ended
		t.Logf("%s: answers by status: %v", a.method, a.answers)
		for status, n := range a.answers {
			if status >= http.StatusInternalServerError || status == 0 {
				t.Errorf("%s: got %d answers of status %d:\n%s", a.method, n, status, two.log())
			}
		}
	}
	two.stop(t)
}

// A database that ends the connections of the service in the middle of requests, as
// it does when it restarts, costs a caller another try at most.
func TestDatabaseEndsConnections(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a"})
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	id := connect(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	ctx, stop := context.WithCancel(t.Context())
	url := server.URL + "/sources/" + id
	asked := []*asking{ask(ctx, http.MethodGet, url), ask(ctx, http.MethodGet, url+"/files"), ask(ctx, http.MethodPost, url+"/sync"), ask(ctx, http.MethodPost, url+"/pause")}
	for _, a := range asked {
		<-a.begun
	}
	db, ended := database(t, env), 0
	for range 300 {
		var n int
		if err := db.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		ended += n
	}
	stop()
	for _, a := range asked {
		<-a.ended
		t.Logf("%s: answers by status: %v, while %d connections were ended", a.method, a.answers, ended)
		for status, n := range a.answers {
			if status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable || status == 0 {
				t.Errorf("%s: got %d answers of status %d:\n%s", a.method, n, status, server.log())
			}
		}
	}
	server.stop(t)
}

// An asking sends one request after the other.
type asking struct {
	method  string
	begun   chan struct{} // closed after the first answer
	ended   chan struct{}
	answers map[int]int // by status; 0 is none. To be read once ended
}

// ask asks until ctx ends.
func ask(ctx context.Context, method, url string) *asking {
	a := &asking{method: method, begun: make(chan struct{}), ended: make(chan struct{}), answers: map[int]int{}}
	go func() {
		defer close(a.ended)
		for n := 0; ; n++ {
			status := a.once(ctx, url)
			if ctx.Err() != nil {
				return
			}
			a.answers[status]++
			if n == 0 {
				close(a.begun)
			}
		}
	}()
	return a
}

func (a *asking) once(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, a.method, url, nil)
	if err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body) // only its status counts
	_ = resp.Body.Close()                 // likewise
	return resp.StatusCode
}
