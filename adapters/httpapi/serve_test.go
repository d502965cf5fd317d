package httpapi_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// Serve lets an open request finish when its context ends, takes no new ones and
// returns nil.
func TestServeFinishesOpenRequests(t *testing.T) {
	t.Parallel()

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	watched := &watchedListener{Listener: l, closed: make(chan struct{})}
	arrived, finish := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		_, _ = io.WriteString(w, "whole") // the client checks it
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpapi.Serve(ctx, watched, h, slog.New(slog.DiscardHandler)) }()
	answer := make(chan string, 1)
	go func() { answer <- get(t.Context(), "http://"+l.Addr().String()) }()
	<-arrived
	stop()
	<-watched.closed // it drains
	close(finish)
	if got := <-answer; got != "whole" {
		t.Errorf("got %q, want the open request to be answered", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

// watchedListener tells when it is closed.
type watchedListener struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
}

func (l *watchedListener) Close() error {
	defer l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func get(ctx context.Context, url string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	b, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return err.Error()
	}
	return string(b)
}

func TestServeTellsWhyItCannot(t *testing.T) {
	t.Parallel()

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := httpapi.Serve(t.Context(), l, http.NotFoundHandler(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("got nil on a closed listener")
	}
}

// What is too large to be a request's headers is refused before it is held.
func TestServeLimitsHeaders(t *testing.T) {
	t.Parallel()

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpapi.Serve(ctx, l, http.NotFoundHandler(), slog.New(slog.DiscardHandler)) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 80<<10))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d, error %v; want 431", answer.StatusCode, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
