package forgetest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A Paged is a list of items that is read in pages, and what a test does to it.
type Paged struct {
	World *World
	Desk  *Desk
	Match string // in the calls for any page of it: "/issues?"
	Later string // in those for a page behind the first: "page=2"
	Not   string // and not in the calls meant: "desc"
	Items int    // of a whole listing
	Token string // that opens the forge
	// Hurry gives World a connector that waits for answers no longer than Patience.
	Hurry func()
}

// Patience is enough for an answer that comes at all.
const Patience = 500 * time.Millisecond

// limit stands for any RateLimitedError.
var limit = new(domain.RateLimitedError)

// A trouble is what happens to a page, and how the listing ends: nil, with
// everything.
type trouble struct {
	fault Fault
	first bool // any page of the list is meant, not only those behind the first
	err   error
}

func after(text string) http.Header { return http.Header{"Retry-After": {text}} }

// usedUp are the headers of a limit with nothing left, by the names of each forge.
func usedUp() http.Header {
	h := http.Header{}
	for _, prefix := range []string{"X-Ratelimit-", "Ratelimit-"} {
		h.Set(prefix+"Remaining", "0")
		h.Set(prefix+"Reset", "1772367600")
	}
	return h
}

// troubles are the faults of every forge, by name.
func troubles() map[string]trouble {
	return map[string]trouble{
		"429 without a time":              {fault: Fault{Status: 429}, first: true, err: limit},
		"429 with seconds":                {fault: Fault{Status: 429, Header: after("30")}, err: limit},
		"429 with a date":                 {fault: Fault{Status: 429, Header: after("Sun, 01 Mar 2026 12:05:00 GMT")}, err: limit},
		"429 with an absurd time":         {fault: Fault{Status: 429, Header: after("999999999999")}, err: limit},
		"429 with a time that is none":    {fault: Fault{Status: 429, Header: after("-1")}, err: limit},
		"secondary limit":                 {fault: Fault{Status: 403, Header: after("60")}, err: limit},
		"limit used up":                   {fault: Fault{Status: 403, Header: usedUp()}, err: limit},
		"5xx once":                        {fault: Fault{Status: 502, Times: 1}},
		"5xx for good":                    {fault: Fault{Status: 502}, err: domain.ErrTransient},
		"503 with a long time":            {fault: Fault{Status: 503, Header: after("600")}, err: limit},
		"401 in the middle":               {fault: Fault{Status: 401}, err: domain.ErrUnauthorized},
		"403 in the middle":               {fault: Fault{Status: 403}, err: domain.ErrForbidden},
		"paging refused":                  {fault: Fault{Status: 422}, err: domain.ErrPartial},
		"pages in another order":          {fault: Fault{Shuffle: true}, first: true, err: domain.ErrPartial},
		"a page that comes twice":         {fault: Fault{Repeat: true, Times: 1}, err: domain.ErrPartial},
		"a page that comes again, always": {fault: Fault{Repeat: true}, err: domain.ErrPartial},
		"an empty page once":              {fault: Fault{Empty: true, Times: 1}},
		"empty pages for good":            {fault: Fault{Empty: true}, err: domain.ErrPartial},
		"half of a page once":             {fault: Fault{Halve: true, Times: 1}},
		"cut in the middle":               {fault: Fault{Cut: true}, err: domain.ErrTransient},
		"cut once":                        {fault: Fault{Cut: true, Times: 1}, err: domain.ErrTransient},
	}
}

// Trouble fails a list of every forge in every way, each in a world of its own.
// Whatever happens to a page: a listing that says it is complete has everything
// (I8), and what ends one is the error for it. unlike are the troubles that a forge
// meets in its own way, by name: an error, nil for none.
func Trouble(t *testing.T, fresh func(*testing.T) Paged, unlike map[string]error) {
	t.Helper()
	all := troubles()
	for name := range unlike {
		if _, ok := all[name]; !ok {
			t.Errorf("there is no trouble %q", name)
		}
	}
	for name, tt := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			want, ok := unlike[name]
			if !ok {
				want = tt.err
			}
			fresh(t).meet(tt, want)
		})
	}
	t.Run("slow body", func(t *testing.T) {
		t.Parallel()

		p, release := fresh(t), make(chan struct{})
		t.Cleanup(func() { close(release) })
		p.Hurry()
		p.meet(trouble{fault: Fault{Hold: release}}, domain.ErrTransient)
	})
}

func (p Paged) meet(tt trouble, want error) {
	t := p.World.T
	t.Helper()
	tt.fault.Match, tt.fault.Not = p.Later, p.Not
	if tt.first {
		tt.fault.Match = p.Match
	}
	p.Desk.Fail(tt.fault)
	l, err := p.World.List()
	var limited *domain.RateLimitedError
	switch {
	case errors.As(want, &limited):
		if !errors.As(err, &limited) {
			t.Errorf("got %v, want a limit", err)
		}
	case !errors.Is(err, want):
		t.Errorf("got %v, want %v", err, want)
	}
	if l.Complete && len(l.Items) != p.Items {
		t.Errorf("got a complete listing of %d items, want %d: %q", len(l.Items), p.Items, l.Paths())
	}
	if err != nil && strings.Contains(err.Error(), p.Token) {
		t.Errorf("got the token in %q", err)
	}
}
