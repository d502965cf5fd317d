package httpapi_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/httprate"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
)

func TestLimits(t *testing.T) {
	t.Parallel()

	connect := example{method: "POST", path: "/sources", body: `{"type":"localfs","config":{}}`}
	sync := example{method: "POST", path: "/sources/" + annSource.String() + "/sync"}
	ingest := example{method: "POST", path: "/ingest", body: `{"source_id":"` + annSource.String() + `"}`}
	list := example{method: "GET", path: "/sources"}
	bad := example{method: "GET", path: "/sources?limit=0"}
	tests := map[string]struct {
		limits   httpapi.Limits
		requests []example
		retry    string // Retry-After of the last one; "": it is let through
	}{
		"off":                              {httpapi.Limits{}, []example{connect, connect, sync, sync, list, list}, ""},
		"one too many":                     {httpapi.Limits{Other: 2}, []example{list, list, list}, "60"},
		"what is refused counts":           {httpapi.Limits{Other: 2}, []example{bad, bad, list}, "60"},
		"sources":                          {httpapi.Limits{Connect: 1}, []example{connect, connect}, "3600"},
		"syncs, in both forms":             {httpapi.Limits{Sync: 1}, []example{sync, ingest}, "900"},
		"each has one of its own":          {httpapi.Limits{Connect: 1, Sync: 1, Other: 1}, []example{connect, sync, list}, ""},
		"others are not limited":           {httpapi.Limits{Connect: 1, Sync: 1}, []example{list, list, list}, ""},
		"health is never limited":          {httpapi.Limits{Other: 1}, []example{{method: "GET", path: "/livez"}, {method: "GET", path: "/livez"}}, ""},
		"what needs no key does not count": {httpapi.Limits{Other: 1}, []example{{method: "GET", path: "/livez"}, list}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := parts(newWorld())
			p.Limits = tt.limits
			api := httpapi.New(p)
			var last answer
			for _, e := range tt.requests {
				last = call(t, api, e.method, e.path, e.body)
			}
			if tt.retry == "" {
				if last.StatusCode >= 400 {
					t.Errorf("got %d %s, want it let through", last.StatusCode, last.Body)
				}
				return
			}
			wantRefusal(t, last, 429, "RATE_LIMITED")
			if got := last.Header.Get("Retry-After"); got != tt.retry {
				t.Errorf("got Retry-After %q, want %q", got, tt.retry)
			}
		})
	}
}

func TestLimitHeaders(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Limits = httpapi.Limits{Other: 3}
	h := call(t, httpapi.New(p), "GET", "/sources", "").Header
	if h.Get("X-RateLimit-Limit") != "3" || h.Get("X-RateLimit-Remaining") != "2" || h.Get("X-RateLimit-Reset") == "" || h.Get("Retry-After") != "" {
		t.Errorf("got %v", h)
	}
}

// Whoever has used up a limit has used up only their own.
func TestLimitsArePerKeyOrOwner(t *testing.T) {
	t.Parallel()

	identities := map[string]httpapi.Identity{
		"first key":  {Caller: domain.Caller{Owner: "ann", KeyID: "1"}},
		"second key": {Caller: domain.Caller{Owner: "ann", KeyID: "2"}},
		"owner":      {Caller: domain.Caller{Owner: "ann"}},
		"other":      {Caller: domain.Caller{Owner: "bob"}},
		"sly owner":  {Caller: domain.Caller{Owner: "key:1"}},
	}
	counters := map[string]httprate.LimitCounter{}
	ask := func(who httpapi.Identity) answer {
		p := parts(newWorld())
		p.Auth, p.Limits, p.Counter = as{who}, httpapi.Limits{Other: 1}, func(name string) httprate.LimitCounter {
			if counters[name] == nil {
				counters[name] = httprate.NewLocalLimitCounter(time.Minute)
			}
			return counters[name]
		}
		return call(t, httpapi.New(p), "GET", "/sources", "")
	}
	for name, who := range identities {
		if r := ask(who); r.StatusCode != 200 {
			t.Errorf("%s: got %d for the first request", name, r.StatusCode)
		}
	}
	for _, who := range identities { // the counter outlives the server
		wantRefusal(t, ask(who), 429, "RATE_LIMITED")
	}
}

// A gateway that names nobody asks for everybody.
func TestGatewayWithoutUserIsNotLimited(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Auth, p.Limits = as{httpapi.Identity{Gateway: true}}, httpapi.Limits{Sync: 1, Other: 1}
	api := httpapi.New(p)
	for range 3 {
		if r := call(t, api, "GET", "/jobs/"+bobJob.String(), ""); r.StatusCode != 200 {
			t.Errorf("got %d %s", r.StatusCode, r.Body)
		}
	}
}

// A counter that is down lets everything through.
func TestLimitsWithoutTheirCounter(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	broken := &brokenCounter{}
	var lines bytes.Buffer
	p.Log = slog.New(slog.NewTextHandler(&lines, nil))
	p.Limits, p.Counter = httpapi.Limits{Other: 1}, func(string) httprate.LimitCounter { return broken }
	api := httpapi.New(p)
	for range 3 {
		if r := call(t, api, "GET", "/sources", ""); r.StatusCode != 200 {
			t.Errorf("got %d %s", r.StatusCode, r.Body)
		}
	}
	if broken.asked == 0 {
		t.Error("the counter was not asked")
	}
	if n := strings.Count(lines.String(), "requests are not counted"); n != 1 {
		t.Errorf("got %d lines of it, want one:\n%s", n, lines.String())
	}
}

type brokenCounter struct {
	mu    sync.Mutex
	asked int
}

func (b *brokenCounter) fail() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	return errors.New("connection refused")
}

func (b *brokenCounter) Config(int, time.Duration)                          {}
func (b *brokenCounter) Increment(string, time.Time) error                  { return b.fail() }
func (b *brokenCounter) IncrementBy(string, time.Time, int) error           { return b.fail() }
func (b *brokenCounter) Get(string, time.Time, time.Time) (int, int, error) { return 0, 0, b.fail() }
