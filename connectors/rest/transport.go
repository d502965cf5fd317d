package rest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/confuse/data-connector/domain"
)

// tries is how often a call is made in all; after that the job waits.
const tries = 3

// firstPause is the most that a second try waits, doubled for the third.
const firstPause = time.Second

// A transport carries the calls of one account.
type transport struct {
	*Paced
	account Account
	key     string // digest of provider, origin and credential
	cache   cache
}

// RoundTrip implements http.RoundTripper. It answers 401, limits, 5xx and
// trouble with the connection with our errors, everything else as it came.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ask, renewed := asked(req.Context()), false
	for try := 1; ; try++ {
		began := t.opt.Clock.Now()
		resp, err := t.once(req, ask)
		switch {
		case !renewed && t.renewed(req, err, began):
			renewed = true
		case err == nil || try == tries || !passing(err) || !repeatable(req, ask):
			return resp, err
		default:
			if err := t.opt.Pause(req.Context(), jitter(firstPause<<(try-1))); err != nil {
				return nil, err
			}
		}
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, fmt.Errorf("rest: repeat the body: %w", err)
			}
		}
	}
}

// renewed reports whether a call whose credential was refused, so that it did nothing,
// may be made with another one.
func (t *transport) renewed(req *http.Request, err error, began time.Time) bool {
	sendable := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	return errors.Is(err, domain.ErrUnauthorized) && sendable && t.account.Renew != nil && t.account.Renew(began)
}

// jitter is full jitter: replicas that failed together do not come back together.
func jitter(most time.Duration) time.Duration { return rand.N(most) + 1 }

// passing tells trouble that another try may not meet.
func passing(err error) bool { return errors.Is(err, domain.ErrTransient) }

// repeatable is what may be done twice (RFC 9110, section 9.2.2) with a body that
// can be sent twice.
func repeatable(req *http.Request, ask Ask) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, "":
		return true
	}
	return ask.Repeatable
}

// once makes one call.
func (t *transport) once(req *http.Request, ask Ask) (*http.Response, error) {
	lane := t.key
	if ask.Bucket != "" {
		lane += ":" + ask.Bucket
	}
	if err := t.turn(req.Context(), lane, ask); err != nil {
		return nil, err
	}
	leave, err := t.lanes.enter(req.Context(), lane)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	end := func() { cancel(nil); leave() }
	out, known, err := t.prepare(req.Clone(ctx), ask)
	if err != nil {
		end()
		return nil, err
	}
	timer := time.AfterFunc(t.opt.Timeout, func() { cancel(context.DeadlineExceeded) })
	start := t.opt.Clock.Now()
	resp, err := t.via(out).RoundTrip(out)
	resp, err = t.answer(req, resp, err, given{ask: ask, lane: lane, start: start, known: known})
	if err != nil {
		timer.Stop()
		end()
		return nil, err
	}
	resp.Body = &body{
		ReadCloser: resp.Body, timer: timer, timeout: t.opt.Timeout, end: end,
		left: t.opt.MaxBody, endless: ask.Download, fail: func(kind error, what string) error { return t.fail(req, kind, what) },
	}
	if ask.Conditional && resp.StatusCode == http.StatusOK && !FromCache(resp) {
		return t.cache.keep(req, resp)
	}
	return resp, nil
}

// turn waits until the budget has a call for us, or says until when it has none.
// A budget that cannot be asked is no reason to stop: the provider's own answer
// remains.
func (t *transport) turn(ctx context.Context, lane string, ask Ask) error {
	for {
		d, err := t.opt.Budget.Take(ctx, lane, t.opt.PerHour, ask.Priority.spare())
		if err != nil || d <= 0 {
			return ctx.Err()
		}
		if d > t.opt.MaxWait {
			return &domain.RateLimitedError{Until: t.opt.Clock.Now().Add(d)}
		}
		if err := t.opt.Pause(ctx, d); err != nil {
			return err
		}
	}
}

// prepare puts the credential on a request to the account's own host, and what we
// remember of the answer. known is nil when the answer is not there to be shown
// again.
func (t *transport) prepare(out *http.Request, ask Ask) (*http.Request, *entry, error) {
	if origin(out.URL) == origin(t.account.Base) && t.account.Authorize != nil {
		if err := t.account.Authorize(out); err != nil {
			return nil, nil, err
		}
	} else {
		out.Header.Del("Authorization")
	}
	if !ask.Conditional || out.Method != http.MethodGet {
		return out, nil, nil
	}
	known := t.cache.load(out)
	known.ask(out)
	return out, known, nil
}
