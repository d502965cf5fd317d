package rest

import (
	"net/http"
	"strconv"
	"time"
)

// A provider may ask for a rest between these; anything else is taken for one of
// them.
const (
	minRest = time.Second
	maxRest = time.Hour
)

// A limit is what the headers of an answer say about the budget.
type limit struct {
	left, most int           // -1: not said
	reset      time.Duration // from now; 0: not said
	after      time.Duration // Retry-After; 0: not said
}

// readLimit reads the headers of GitHub, GitLab, Bitbucket and of the IETF draft.
func readLimit(h http.Header, now time.Time) limit {
	l := limit{left: -1, most: -1}
	for _, prefix := range []string{"X-Ratelimit-", "Ratelimit-"} {
		if n, err := strconv.Atoi(h.Get(prefix + "Remaining")); err == nil && n >= 0 {
			l.left = n
		}
		if n, err := strconv.Atoi(h.Get(prefix + "Limit")); err == nil && n > 0 {
			l.most = n
		}
		if n, err := strconv.ParseInt(h.Get(prefix+"Reset"), 10, 64); err == nil && n > 0 {
			l.reset = untilReset(n, now)
		}
	}
	l.after = retryAfter(h.Get("Retry-After"), now)
	return l
}

// untilReset reads seconds since 1970, or, as the draft has it, from now.
func untilReset(n int64, now time.Time) time.Duration {
	const isTime = 1 << 30 // more seconds than any limit lasts
	if n < isTime {
		return rest(time.Duration(n) * time.Second)
	}
	return rest(time.Unix(n, 0).Sub(now))
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3); 0: neither.
func retryAfter(text string, now time.Time) time.Duration {
	if text == "" {
		return 0
	}
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return rest(time.Duration(n) * time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return rest(at.Sub(now))
	}
	return 0
}

func rest(d time.Duration) time.Duration { return min(max(d, minRest), maxRest) }

// throttled reports whether an answer says that there were too many calls, and
// not that something is forbidden.
func (t *transport) throttled(resp *http.Response, l limit) bool {
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return true
	case t.opt.Throttled != nil && t.opt.Throttled(resp):
		return true
	case resp.StatusCode != http.StatusForbidden:
		return resp.StatusCode == http.StatusServiceUnavailable && l.after > t.opt.MaxWait
	}
	return l.after > 0 || l.left == 0
}

// wait is how long to stay away after being throttled: what the provider says
// first, then its reset, then longer each time.
func (t *transport) wait(l limit, lane string) time.Duration {
	switch {
	case l.after > 0:
		return l.after
	case l.left == 0 && l.reset > 0:
		return l.reset
	}
	return t.lanes.struck(lane)
}
