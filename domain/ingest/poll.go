package ingest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/confuse/data-connector/domain"
)

// The bounds of adaptive polling, the lower one where the operator sets none.
const (
	shortestPoll = 45 * time.Second
	longestPoll  = 8 * time.Hour
)

// A Poller looks at sources by itself, so that a lost notice costs no more than
// one interval. A poll that finds nothing writes nothing; one that sees a
// difference is a hint. It runs where jobs run, for it uses their caches.
type Poller struct {
	Hints      *Hints
	Index      domain.Index
	Connectors Connectors
	Clock      domain.Clock
	Cache      string // as the Engine's
	// Credentials are where those of sources are kept; nil: nowhere.
	Credentials domain.Credentials
	// Turn lets one of several pollers have a source for a while; false: it is
	// another one's turn. nil: there is no other.
	Turn     func(ctx context.Context, source domain.SourceID, d time.Duration) (bool, error)
	Shortest time.Duration // between two polls of a source; 0: 45 s
	Logger   *slog.Logger

	last map[domain.SourceID]time.Time // of the last poll by this process
}

// Run polls until ctx ends. What goes wrong with one source is logged.
func (p *Poller) Run(ctx context.Context) error {
	for {
		if err := p.Once(ctx); err != nil && ctx.Err() == nil {
			p.Logger.ErrorContext(ctx, "polling", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.Clock.After(p.shortest() / 3):
		}
	}
}

func (p *Poller) shortest() time.Duration { return cmp.Or(p.Shortest, shortestPoll) }

// Once polls every source whose time has come.
func (p *Poller) Once(ctx context.Context) error {
	seen := map[domain.SourceID]time.Time{}
	for src, err := range p.Index.Candidates(ctx) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		if last, ok := p.last[src.ID]; ok {
			seen[src.ID] = last
		}
		interval, polled := pollInterval(src, p.shortest())
		if mayReopen(src) {
			interval, polled = intervalOf(src, p.shortest()), true
		}
		if !polled || p.Clock.Now().Before(latest(latest(src.SyncedAt, src.RequestedAt), p.last[src.ID]).Add(interval)) {
			continue
		}
		seen[src.ID] = p.Clock.Now()
		if err := p.poll(ctx, src, interval); err != nil {
			p.Logger.WarnContext(ctx, "poll", "source", src.ID, "err", err)
		}
	}
	p.last = seen
	return nil
}

// pollInterval is half the time for which nothing has changed, within bounds,
// doubled by each failure in a row; false: the source is not polled, because it
// waits, or has a schedule or a job.
func pollInterval(src domain.Source, shortest time.Duration) (time.Duration, bool) {
	if src.Waits() || src.Removing || len(src.Jobs) > 0 || !slotOf(src).IsZero() {
		return 0, false
	}
	return intervalOf(src, shortest), true
}

// mayReopen reports whether src waits for access that may come back by itself: that of
// a suspended installation of an app, also when nobody tells that it has.
func mayReopen(src domain.Source) bool {
	return src.CredentialExpired && src.Installation != "" && !src.Paused && !src.Removing
}

func intervalOf(src domain.Source, shortest time.Duration) time.Duration {
	quiet := src.SyncedAt.Sub(latest(src.ChangedAt, src.RegisteredAt)) // negative: never synced
	interval := min(max(quiet/2, shortest), longestPoll)
	return min(interval<<min(src.FailedInARow, 16), longestPoll)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (p *Poller) poll(ctx context.Context, src domain.Source, interval time.Duration) error {
	conn, ok := p.Connectors.Find(string(src.Provider))
	if !ok {
		return nil
	}
	if p.Turn != nil {
		if ours, err := p.Turn(ctx, src.ID, interval); err != nil || !ours {
			return err
		}
	}
	changed, err := p.changed(ctx, conn, src)
	if err != nil || !changed {
		return err
	}
	return p.Hints.Hint(ctx, src, domain.Hint{Origin: "poll", Access: src.CredentialExpired})
}

// changed asks the provider. One that cannot tell cheaply is synced to find out,
// and so is one whose last job failed: what it had seen did not become events.
// An error is a reason to look too, unless it passes: a job makes it visible.
func (p *Poller) changed(ctx context.Context, conn domain.Connector, src domain.Source) (bool, error) {
	prober, ok := conn.(domain.Prober)
	if !src.CredentialExpired && (!ok || src.Failure != nil) {
		return true, nil
	}
	scope, _, err := scoper{p.Cache, p.Credentials}.scope(src)
	if err != nil {
		return false, err
	}
	if src.CredentialExpired {
		return opened(ctx, conn, scope), nil
	}
	var resume domain.Cursor
	if src.Cursor != nil {
		resume = src.Cursor.Resume
	}
	changed, err := prober.Changed(ctx, scope, resume)
	if err != nil && !errors.Is(err, domain.ErrTransient) && ctx.Err() == nil {
		return true, nil //nolint:nilerr // the job that follows says why
	}
	return changed, err
}

// opened reports whether the provider lets the credential in again, whatever it then
// says of the object: a job makes that visible. A probe does not tell: it asks nobody
// where a cursor says nothing.
func opened(ctx context.Context, conn domain.Connector, scope domain.Scope) bool {
	_, err := conn.Validate(ctx, scope)
	var invalid *domain.InvalidError
	return err == nil || errors.Is(err, domain.ErrGone) || errors.As(err, &invalid)
}
