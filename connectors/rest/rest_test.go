package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

func TestAnswers(t *testing.T) {
	t.Parallel()

	in := func(d time.Duration) string { return strconv.FormatInt(noon.Add(d).Unix(), 10) }
	tests := map[string]struct {
		status int
		header map[string]string
		until  time.Duration // of a RateLimitedError, from noon; 0: none
		is     error
		calls  int
	}{
		"success":                      {status: 200, calls: 1},
		"not found is the connector's": {status: 404, calls: 1},
		"forbidden is the connector's": {status: 403, calls: 1},
		"forbidden, calls left":        {status: 403, header: map[string]string{"X-RateLimit-Remaining": "7"}, calls: 1},
		"unauthorized":                 {status: 401, is: domain.ErrUnauthorized, calls: 1},
		"server error":                 {status: 502, is: domain.ErrTransient, calls: 3},
		"unavailable for long":         {status: 503, header: map[string]string{"Retry-After": "90"}, until: 90 * time.Second, calls: 1},
		"429 alone":                    {status: 429, until: time.Minute, calls: 1},
		"429 with seconds":             {status: 429, header: map[string]string{"Retry-After": "30"}, until: 30 * time.Second, calls: 1},
		"429 with a date":              {status: 429, header: map[string]string{"Retry-After": noon.Add(90 * time.Second).Format(http.TimeFormat)}, until: 90 * time.Second, calls: 1},
		"429 with an absurd time":      {status: 429, header: map[string]string{"Retry-After": "99999999"}, until: time.Hour, calls: 1},
		"429 with a time before now":   {status: 429, header: map[string]string{"Retry-After": "-5"}, until: time.Second, calls: 1},
		"429 with nonsense":            {status: 429, header: map[string]string{"Retry-After": "soon"}, until: time.Minute, calls: 1},
		"403, primary limit":           {status: 403, header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "5000", "X-RateLimit-Reset": in(20 * time.Minute)}, until: 20 * time.Minute, calls: 1},
		"403, secondary limit":         {status: 403, header: map[string]string{"Retry-After": "60", "X-RateLimit-Remaining": "4000"}, until: time.Minute, calls: 1},
		"429, seconds until the reset": {status: 429, header: map[string]string{"RateLimit-Remaining": "0", "RateLimit-Limit": "5", "RateLimit-Reset": "45"}, until: 45 * time.Second, calls: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				for k, v := range tt.header {
					rw.Header().Set(k, v)
				}
				rw.WriteHeader(tt.status)
				_, _ = io.WriteString(rw, "hello") // to a client that may not listen
			})
			_, err := w.get(w.client(), rest.Ask{Route: "things"})
			var limited *domain.RateLimitedError
			if errors.As(err, &limited) != (tt.until > 0) || tt.until > 0 && !limited.Until.Equal(noon.Add(tt.until)) {
				t.Errorf("got %v, want a wait of %s", err, tt.until)
			}
			if tt.until == 0 && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %v", err, tt.is)
			}
			if got := w.count(); got != tt.calls {
				t.Errorf("got %d calls, want %d", got, tt.calls)
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("got the token in %q", err)
			}
			if c := w.calls[0]; c.Provider != "example" || c.Route != "things" || c.Status != tt.status {
				t.Errorf("got %+v observed", c)
			}
		})
	}
}

// TestBlockedTogether: a refusal of one client holds the others of its credential
// back, without asking, and no stranger.
func TestBlockedTogether(t *testing.T) {
	t.Parallel()

	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "600")
		rw.WriteHeader(http.StatusTooManyRequests)
	})
	p := rest.New(w.opt)
	for range 3 {
		var limited *domain.RateLimitedError
		if _, err := w.get(p.Client(w.account()), rest.Ask{}); !errors.As(err, &limited) {
			t.Fatalf("got %v, want a limit", err)
		}
	}
	if got := w.count(); got != 1 {
		t.Errorf("got %d calls, want one: the others are held back", got)
	}
	other := w.account()
	other.Key = "another credential"
	if _, err := w.get(p.Client(other), rest.Ask{}); err == nil || w.count() != 2 {
		t.Errorf("got %v after %d calls, want the stranger to ask for himself", err, w.count())
	}
}

// TestSecondaryLimitDoubles: without a time the wait grows with each refusal.
func TestSecondaryLimitDoubles(t *testing.T) {
	t.Parallel()

	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTooManyRequests) })
	c := w.client()
	for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		now, limited := w.clock.Now(), &domain.RateLimitedError{}
		if _, err := w.get(c, rest.Ask{}); !errors.As(err, &limited) || limited.Until.Sub(now) != want {
			t.Errorf("got %v at %s, want a wait of %s", err, now, want)
		}
		w.clock.Turn(want)
	}
}

// TestPriority: a backfill leaves a fifth of the budget to those that are waited for.
func TestPriority(t *testing.T) {
	t.Parallel()

	left := 22
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		left--
		rw.Header().Set("X-RateLimit-Remaining", strconv.Itoa(left))
		rw.Header().Set("X-RateLimit-Limit", "100")
		rw.Header().Set("X-RateLimit-Reset", strconv.FormatInt(noon.Add(time.Hour).Unix(), 10))
	})
	c := w.client()
	made := map[rest.Priority]int{}
	for _, p := range []rest.Priority{rest.Backfill, rest.Incremental, rest.Hint} {
		for {
			if _, err := w.get(c, rest.Ask{Priority: p}); err != nil {
				break
			}
			made[p]++
		}
	}
	if made[rest.Backfill] != 2 || made[rest.Incremental] != 15 || made[rest.Hint] != 5 {
		t.Errorf("got %v calls, want 2, 15 and 5", made)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		method string
		ask    rest.Ask
		calls  int
	}{
		"get":             {http.MethodGet, rest.Ask{}, 3},
		"delete":          {http.MethodDelete, rest.Ask{}, 3},
		"post":            {http.MethodPost, rest.Ask{}, 1},
		"post of a query": {http.MethodPost, rest.Ask{Repeatable: true}, 3},
		"patch is not":    {http.MethodPatch, rest.Ask{}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			bodies := make(chan string, 10)
			w := newWorld(t, func(_ http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				bodies <- string(b)
				panic(http.ErrAbortHandler) // the connection breaks
			})
			_, err := rest.JSON(rest.With(t.Context(), tt.ask), w.client(), tt.method, w.base.String(), map[string]int{"a": 1}, nil)
			if !errors.Is(err, domain.ErrTransient) || len(bodies) != tt.calls {
				t.Errorf("got %v after %d calls, want %d", err, len(bodies), tt.calls)
			}
			for range len(bodies) {
				if got := <-bodies; got != `{"a":1}` {
					t.Errorf("got body %q sent", got)
				}
			}
		})
	}
}

func TestConditional(t *testing.T) {
	t.Parallel()

	version, stale := 1, false
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		tag := fmt.Sprintf(`"v%d"`, version)
		rw.Header().Set("ETag", tag)
		rw.Header().Set("Link", `<https://api.example/next>; rel="next"`)
		if given := r.Header.Get("If-None-Match"); given == tag || given != "" && stale {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = fmt.Fprintf(rw, "body %d", version)
	})
	account := w.account()
	account.Cache = t.TempDir()
	p := rest.New(w.opt)
	status := func() int { return w.calls[len(w.calls)-1].Status }
	check := func(a rest.Account, body string, want int) {
		t.Helper()
		got, err := w.get(p.Client(a), rest.Ask{Conditional: true})
		if err != nil || got != body || status() != want {
			t.Errorf("got %q, %v, status %d, want %q and %d", got, err, status(), body, want)
		}
	}
	check(account, "body 1", 200)
	check(account, "body 1", 304)
	other := account
	other.Key = "another credential"
	check(other, "body 1", 200)
	version = 2
	check(account, "body 2", 200)
	check(account, "body 2", 304)
	stale, version = true, 3 // a provider that says 304 for good
	check(account, "body 2", 304)
	w.clock.Turn(7 * time.Hour)
	check(account, "body 3", 200)
}

func TestRedirects(t *testing.T) {
	t.Parallel()

	var leaked string
	foreign := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		leaked += r.Header.Get("Authorization")
		_, _ = io.WriteString(rw, "foreign")
	}))
	t.Cleanup(foreign.Close)
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/things":
			http.Redirect(rw, r, foreign.URL, http.StatusFound)
		case "/renamed":
			http.Redirect(rw, r, "/new", http.StatusMovedPermanently)
		case "/loop":
			http.Redirect(rw, r, "/loop", http.StatusFound)
		default:
			_, _ = io.WriteString(rw, r.Header.Get("Authorization"))
		}
	})
	if _, err := w.get(w.client(), rest.Ask{}); !errors.Is(err, domain.ErrForbidden) {
		t.Errorf("got %v for a redirect to another host, want ErrForbidden", err)
	}
	if got, err := w.get(w.client(), rest.Ask{Download: true}); err != nil || got != "foreign" {
		t.Errorf("got %q, %v for a download elsewhere", got, err)
	}
	if leaked != "" {
		t.Errorf("the other host was shown %q", leaked)
	}
	if got, err := get(t.Context(), w.client(), w.base.String()+"/renamed"); err != nil || got != "Bearer "+token {
		t.Errorf("got %q, %v for a redirect on the same host", got, err)
	}
	if _, err := get(t.Context(), w.client(), w.base.String()+"/loop"); !errors.Is(err, domain.ErrTransient) || w.count() > 8 {
		t.Errorf("got %v after %d calls from a loop", err, w.count())
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()

	hang := make(chan struct{})
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			rw.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(rw, "begin")
		case "/slow":
			_, _ = io.WriteString(rw, "begin")
			_ = http.NewResponseController(rw).Flush()
			<-hang
		default:
			_, _ = io.WriteString(rw, strings.Repeat("x", 2000))
		}
	})
	t.Cleanup(func() { close(hang) }) // before the server is closed, which waits for it
	w.opt.MaxBody, w.opt.Timeout = 1000, 100*time.Millisecond
	for path, want := range map[string]error{"/cut": domain.ErrTransient, "/slow": domain.ErrTransient, "/long": domain.ErrTooLarge} {
		if _, err := get(t.Context(), w.client(), w.base.String()+path); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
	ctx := rest.With(t.Context(), rest.Ask{Download: true})
	if got, err := get(ctx, w.client(), w.base.String()+"/long"); err != nil || len(got) != 2000 {
		t.Errorf("got %d bytes, %v of a download", len(got), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(ctx, w.client(), w.base.String()+"/long"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's own error", err)
	}
}
