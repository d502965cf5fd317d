package rest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/rest"
)

// token stands in no error, no cache and no key.
const token = "ghs_canary-0123456789"

// A world is a provider whose answers a test writes, and a client of it.
type world struct {
	t     *testing.T
	clock *connectortest.Clock
	mu    sync.Mutex
	asked []*http.Request
	calls []rest.Call
	waits []time.Duration
	base  *url.URL
	opt   rest.Options
}

func newWorld(t *testing.T, answer http.HandlerFunc) *world {
	t.Helper()
	w := &world{t: t, clock: connectortest.NewClock(noon)}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r)
		w.mu.Unlock()
		answer(rw, r)
	}))
	t.Cleanup(s.Close)
	w.base = address(t, s.URL)
	w.opt = rest.Options{
		Provider: "example", Clock: w.clock, Networks: loopback,
		Observe: func(c rest.Call) { w.mu.Lock(); defer w.mu.Unlock(); w.calls = append(w.calls, c) },
		Pause: func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.waits = append(w.waits, d)
			w.clock.Turn(d)
			return ctx.Err()
		},
	}
	return w
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (w *world) account() rest.Account {
	return rest.Account{Base: w.base, Key: token, Authorize: func(r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}}
}

func (w *world) client() *http.Client { return rest.New(w.opt).Client(w.account()) }

// get reads path to its end.
func get(ctx context.Context, c *http.Client, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read to its end
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func (w *world) get(c *http.Client, a rest.Ask) (string, error) {
	return get(rest.With(w.t.Context(), a), c, w.base.String()+"/things")
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}
