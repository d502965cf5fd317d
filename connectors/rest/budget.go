package rest

import (
	"context"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A Budget counts the calls of credentials, over all that share it. Keys are
// digests. Times are spans, because the clocks of replicas differ. It may be used
// concurrently.
type Budget interface {
	// Take asks for one call under key. It gives zero when the call may go, and
	// counts it; else how long to wait before asking again. perHour is the limit of
	// our own, 0: none; spare is the share of any limit that is left to others, in
	// per cent.
	Take(ctx context.Context, key string, perHour, spare int) (time.Duration, error)
	// Learn tells how many calls of a limit are left until it resets.
	Learn(ctx context.Context, key string, left, limit int, reset time.Duration) error
	// Block lets nobody call under key for d, or longer if that was said before.
	Block(ctx context.Context, key string, d time.Duration) error
}

// window is the time over which the limit of our own counts.
const window = time.Hour

// sameReset is how far two readings of one reset may be apart.
const sameReset = 5 * time.Second

// NewBudget makes a budget of this process alone.
func NewBudget(clock domain.Clock) Budget {
	return &budget{clock: clock, accounts: map[string]*balance{}}
}

type budget struct {
	clock    domain.Clock
	mu       sync.Mutex
	accounts map[string]*balance
}

// A balance is what is known of one key.
type balance struct {
	left, limit int       // as the provider says, until reset
	reset       time.Time // zero: it said nothing
	blocked     time.Time
	used        int // of our own limit, until ends
	ends        time.Time
	lastUsed    time.Time
}

func (b *budget) at(key string) *balance {
	now := b.clock.Now()
	if len(b.accounts) > 10_000 { // forget who has not called for longer than any limit lasts
		for k, v := range b.accounts {
			if now.Sub(v.lastUsed) > 2*window {
				delete(b.accounts, k)
			}
		}
	}
	if b.accounts[key] == nil {
		b.accounts[key] = &balance{}
	}
	b.accounts[key].lastUsed = now
	return b.accounts[key]
}

func (b *budget) Take(_ context.Context, key string, perHour, spare int) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, a := b.clock.Now(), b.at(key)
	if a.blocked.After(now) {
		return a.blocked.Sub(now), nil
	}
	told := a.reset.After(now)
	if told && a.left <= a.limit*spare/100 {
		return a.reset.Sub(now), nil
	}
	if perHour > 0 {
		if !a.ends.After(now) {
			a.used, a.ends = 0, now.Add(window)
		}
		if a.used >= perHour-perHour*spare/100 {
			return a.ends.Sub(now), nil
		}
		a.used++
	}
	if told {
		a.left--
	}
	return 0, nil
}

// Learn keeps the smaller number of one period: answers overtake each other.
func (b *budget) Learn(_ context.Context, key string, left, limit int, reset time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, at := b.at(key), b.clock.Now().Add(reset)
	switch d := at.Sub(a.reset); {
	case d < -sameReset:
		return nil // of a period before
	case d <= sameReset:
		a.left, a.limit = min(a.left, left), limit
	default:
		a.left, a.limit, a.reset = left, limit, at
	}
	return nil
}

func (b *budget) Block(_ context.Context, key string, d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, until := b.at(key), b.clock.Now().Add(d); until.After(a.blocked) {
		a.blocked = until
	}
	return nil
}
