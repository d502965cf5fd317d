package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"code.dny.dev/ssrf"

	"github.com/confuse/data-connector/domain"
)

// given is what an answer is an answer to.
type given struct {
	ask   Ask
	lane  string
	start time.Time
	known *entry
}

// answer tells the budget and whoever watches, and turns what is no answer into
// one of our errors. The body of resp is closed after an error.
func (t *transport) answer(req *http.Request, resp *http.Response, err error, g given) (*http.Response, error) {
	now := t.opt.Clock.Now()
	l := limit{left: -1}
	status := 0
	if err == nil {
		resp.Header.Del(unchanged) // ours to say
		l, status = readLimit(resp.Header, now), resp.StatusCode
	}
	t.observe(Call{Provider: t.opt.Provider, Route: g.ask.Route, Status: status, Duration: now.Sub(g.start), Remaining: l.left})
	if err != nil {
		return nil, t.broken(req, err)
	}
	t.learn(req.Context(), g.lane, l)
	if err := t.refused(req, resp, l, g.lane); err != nil {
		_ = resp.Body.Close() // the status says it all
		return nil, err
	}
	t.lanes.welcome(g.lane)
	if status == http.StatusNotModified && g.known != nil {
		_ = resp.Body.Close() // it has none
		return g.known.response(req, resp), nil
	}
	return resp, nil
}

func (t *transport) observe(c Call) {
	if c.Route == "" {
		c.Route = "other"
	}
	if t.opt.Observe != nil {
		t.opt.Observe(c)
	}
}

// learn is advice to the budget: it may be lost.
func (t *transport) learn(ctx context.Context, lane string, l limit) {
	if l.left >= 0 && l.most > 0 && l.reset > 0 {
		_ = t.opt.Budget.Learn(ctx, lane, l.left, l.most, l.reset) // the next answer says it again
	}
}

// refused is the error of an answer that is for no connector to read.
func (t *transport) refused(req *http.Request, resp *http.Response, l limit, lane string) error {
	if t.throttled(resp, l) {
		d := t.wait(l, lane)
		_ = t.opt.Budget.Block(req.Context(), lane, d) // replicas that do not hear of it are told by the provider
		return &domain.RateLimitedError{Until: t.opt.Clock.Now().Add(d)}
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return t.fail(req, domain.ErrUnauthorized, resp.Status)
	case resp.StatusCode >= http.StatusInternalServerError, resp.StatusCode == http.StatusRequestTimeout:
		return t.fail(req, domain.ErrTransient, resp.Status)
	}
	return nil
}

// broken is the error of a call without an answer.
func (t *transport) broken(req *http.Request, err error) error {
	switch {
	case req.Context().Err() != nil:
		return req.Context().Err()
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedPort), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, errRefused):
		return &domain.InvalidError{
			Field: t.opt.Field, Problem: "leads to an address that is not allowed",
			Allowed: allowedAddresses,
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return t.fail(req, domain.ErrTransient, "no answer in time")
	}
	return fmt.Errorf("%w: %w", t.fail(req, domain.ErrTransient, "no answer"), err)
}

// fail names the call, without its query, which may hold a secret (I7).
func (t *transport) fail(req *http.Request, kind error, what string) error {
	route := asked(req.Context()).Route
	if route == "" {
		route = req.URL.Host
	}
	return fmt.Errorf("%s: %s %s: %s: %w", t.opt.Provider, req.Method, route, what, kind)
}
