package httpapi

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/httprate"
)

// Limits are how many requests one key may send, or one owner who is known
// without a key; 0: any number. A trusted gateway that names no owner is not
// limited: it asks for all of them.
type Limits struct {
	Connect int // sources connected, an hour
	Sync    int // syncs ordered, in 15 minutes
	Other   int // everything else, a minute
}

// DefaultLimits are the documented ones.
func DefaultLimits() Limits { return Limits{Connect: 10, Sync: 5, Other: 100} }

// A Counter makes the memory of one limit. name tells the limits apart; counters
// that several processes share keep their keys below it.
type Counter func(name string) httprate.LimitCounter

// Names of limits.
const (
	limitConnect = "connect"
	limitSync    = "sync"
	limitOther   = "other"
)

// limiters are by name; one that is off is not there.
type limiters map[string]*httprate.RateLimiter

func (s *Server) newLimiters() limiters {
	l := limiters{}
	for _, limit := range []struct {
		name   string
		number int
		window time.Duration
	}{
		{limitConnect, s.Limits.Connect, time.Hour},
		{limitSync, s.Limits.Sync, 15 * time.Minute},
		{limitOther, s.Limits.Other, time.Minute},
	} {
		if limit.number <= 0 {
			continue
		}
		var options []httprate.Option
		if s.Counter != nil {
			options = append(options, httprate.WithLimitCounter(lenient{s.Counter(limit.name), s.Log, new(atomic.Bool)}))
		}
		l[limit.name] = httprate.NewRateLimiter(limit.number, limit.window, options...)
	}
	return l
}

// limit refuses a request that is one too many. The answer to every request that
// counts says how many are left.
func (s *Server) limit(ctx huma.Context, next func(huma.Context)) {
	limiter, key := s.limits[limitOf(ctx.Operation())], limitKey(recordOf(ctx.Context()).who)
	if isOpen(ctx.Operation()) || limiter == nil || key == "" {
		next(ctx)
		return
	}
	r, w := humachi.Unwrap(ctx)
	if limiter.OnLimit(w, r, key) {
		s.refuse(w, r, newErrorReply(http.StatusTooManyRequests, "RATE_LIMITED", "too many requests; Retry-After says when it is safe to come back"))
		return
	}
	next(ctx)
}

func limitOf(op *huma.Operation) string {
	if name, ok := op.Metadata[markLimit].(string); ok {
		return name
	}
	return limitOther
}

// limitKey is whose requests are counted together; "" for nobody's.
func limitKey(who Identity) string {
	switch {
	case who.KeyID != "":
		return "key:" + who.KeyID
	case who.Owner != "":
		return "owner:" + string(who.Owner)
	}
	return ""
}

// lenient is a counter whose failure stops nobody: a limit keeps neighbours
// apart, it guards nothing. It logs when the counter fails and when it is back.
type lenient struct {
	httprate.LimitCounter
	log  *slog.Logger
	away *atomic.Bool
}

func (l lenient) Get(key string, now, before time.Time) (int, int, error) {
	current, previous, err := l.LimitCounter.Get(key, now, before)
	if l.failed(err) {
		return 0, 0, nil
	}
	return current, previous, nil
}

func (l lenient) IncrementBy(key string, now time.Time, amount int) error {
	l.failed(l.LimitCounter.IncrementBy(key, now, amount))
	return nil
}

func (l lenient) failed(err error) bool {
	switch {
	case err != nil && l.away.CompareAndSwap(false, true):
		l.log.Warn("requests are not counted: no limit holds", "err", err)
	case err == nil && l.away.CompareAndSwap(true, false):
		l.log.Info("requests are counted again")
	}
	return err != nil
}
