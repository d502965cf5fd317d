package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// What counts where [Options] say nothing.
const (
	defaultParallel = 10               // GitHub allows 100 at once over all clients
	defaultTimeout  = 30 * time.Second // of a call with its body
	defaultMaxBody  = 32 << 20         // bytes
	defaultMaxWait  = 5 * time.Second
	defaultTTL      = 6 * time.Hour
	maxRedirects    = 3
)

// Options are what a connector and the operator decide.
type Options struct {
	Provider domain.Provider
	Clock    domain.Clock   // required
	Budget   Budget         // nil: one of this process alone
	Networks []netip.Prefix // private networks in which self-hosted servers may be, on any port
	Field    string         // the option that holds a base URL, for errors; empty: "config.baseUrl"

	PerHour  int           // calls of one credential in an hour; 0: what the provider says
	Parallel int           // calls of one credential at once, in this process; 0: 10
	Timeout  time.Duration // of a call with its body; 0: 30 s
	MaxBody  int64         // bytes of an answer; 0: 32 MiB
	MaxWait  time.Duration // the longest that a call waits for its turn; 0: 5 s
	TTL      time.Duration // how long a remembered answer is asked for conditionally; 0: 6 h

	// Throttled tells refusals that are limits but do not say so in their headers;
	// it must not read the body. It may be nil.
	Throttled func(*http.Response) bool
	Observe   func(Call) // told of each call that was made; may be nil
	// Pause waits for d; nil: by Clock.
	Pause func(ctx context.Context, d time.Duration) error
}

// A Call is one call that was made, answered or not.
type Call struct {
	Provider  domain.Provider
	Route     string // the caller's word; "other" when it gave none
	Status    int    // 0: no answer
	Duration  time.Duration
	Remaining int // calls left until the limit resets, -1 when the provider does not say
}

// A Paced makes clients that share limits. It may be used concurrently.
type Paced struct {
	opt   Options
	tls   *http.Transport
	plain *http.Transport // into the operator's networks alone
	lanes *lanes
}

// New makes one. Nothing is dialled yet.
func New(o Options) *Paced {
	if o.Budget == nil {
		o.Budget = NewBudget(o.Clock)
	}
	if o.Field == "" {
		o.Field = "config.baseUrl"
	}
	o.Parallel = or(o.Parallel, defaultParallel)
	o.Timeout = or(o.Timeout, defaultTimeout)
	o.MaxBody = or(o.MaxBody, defaultMaxBody)
	o.MaxWait = or(o.MaxWait, defaultMaxWait)
	o.TTL = or(o.TTL, defaultTTL)
	if o.Pause == nil {
		o.Pause = func(ctx context.Context, d time.Duration) error { return pause(ctx, o.Clock, d) }
	}
	return &Paced{opt: o, tls: newDialer(Guard(o.Networks)), plain: newDialer(within(o.Networks)), lanes: newLanes(o.Parallel)}
}

func or[T int | int64 | time.Duration](v, fallback T) T {
	if v > 0 {
		return v
	}
	return fallback
}

func pause(ctx context.Context, clock domain.Clock, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-clock.After(d):
		return nil
	}
}

// An Account is who a client speaks for.
type Account struct {
	Base *url.URL // of the API: credentials go to its scheme and host alone
	// Key names the credential, or the installation that several share, among all
	// of the provider. Only a digest of it leaves the process (I7). Empty: nobody.
	Key string
	// Authorize puts the credential on a request to Base; nil: none. Its error ends
	// the call as it is.
	Authorize func(*http.Request) error
	// Renew drops a credential that was refused to a call that began at a time, unless
	// it is younger, and reports whether there may be another one now: then the call is
	// made once more. nil: there is none.
	Renew func(began time.Time) bool
	Cache string // a folder for remembered answers; empty: none is remembered
}

// Client makes a client for an account. It is cheap: make one for each run. A
// redirect to another host ends a call with ErrForbidden, unless the caller asked
// for a download; credentials never follow it.
func (p *Paced) Client(a Account) *http.Client {
	digest := sha256.Sum256([]byte(string(p.opt.Provider) + "\n" + origin(a.Base) + "\n" + a.Key))
	t := &transport{Paced: p, account: a, key: hex.EncodeToString(digest[:16])}
	t.cache = cache{folder: a.Cache, owner: t.key, clock: p.opt.Clock, ttl: p.opt.TTL, most: p.opt.MaxBody}
	return &http.Client{Transport: t, CheckRedirect: t.redirect}
}

// Base reads the URL of a self-hosted server, without a slash at its end: https,
// or http where Options.Networks has the address, which is looked at when it is
// dialled. An InvalidError names Options.Field.
func (p *Paced) Base(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	plain := err == nil && u.Scheme == "http" && len(p.opt.Networks) > 0
	if err != nil || u.Scheme != "https" && !plain || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &domain.InvalidError{Field: p.opt.Field, Problem: "is not the URL of a server", Allowed: "https://host or https://host:port/path, without a user"}
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// origin is what credentials are bound to.
func origin(u *url.URL) string { return strings.ToLower(u.Scheme + "://" + u.Host) }

func (t *transport) redirect(req *http.Request, via []*http.Request) error {
	foreign := origin(req.URL) != origin(t.account.Base)
	switch {
	case len(via) > maxRedirects:
		return t.fail(req, domain.ErrTransient, "too many redirects")
	case foreign && !asked(req.Context()).Download:
		return t.fail(req, domain.ErrForbidden, "redirected to another host")
	case foreign && req.URL.Scheme != "https" && t.account.Base.Scheme == "https":
		return t.fail(req, domain.ErrForbidden, "redirected to plain HTTP")
	}
	return nil
}
