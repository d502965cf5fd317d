package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/confuse/data-connector/domain"
)

// How often the inbox is looked at, and how much of it is relayed at once.
const (
	relayEvery = 2 * time.Second
	relayPage  = 200
)

// A Relay brings the hints of the inbox to the log, under the ids that they came
// in with. Several may run: what two of them append is one event.
type Relay struct {
	Log    domain.Log // for hints and commands
	Inbox  Inbox
	Clock  domain.Clock
	Logger *slog.Logger
}

// Run relays until ctx ends. What goes wrong is logged and tried again.
func (r *Relay) Run(ctx context.Context) error {
	for {
		n, err := r.Once(ctx)
		if err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "hints stay in the inbox", "err", err)
		}
		if n > 0 {
			r.Logger.InfoContext(ctx, "hints relayed", "hints", n)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.Clock.After(relayEvery):
		}
	}
}

// Once relays what is in the inbox and returns how many hints that were.
func (r *Relay) Once(ctx context.Context) (n int, err error) {
	for {
		page, err := r.Inbox.Oldest(ctx, relayPage)
		if err != nil || len(page) == 0 {
			return n, err
		}
		if err := r.relay(ctx, page); err != nil {
			return n, err
		}
		n += len(page)
	}
}

// relay appends a page, then deletes it. Dying in between appends it again under
// the same ids (I5: no row goes before its event is acknowledged).
func (r *Relay) relay(ctx context.Context, page []domain.Message) error {
	limited, cancel := context.WithTimeout(ctx, 10*logPatience)
	defer cancel()
	if _, err := r.Log.Append(limited, page...); err != nil {
		return fmt.Errorf("relay hints: %w", err)
	}
	ids := make([]domain.EventID, len(page))
	for i, m := range page {
		ids[i] = m.ID
	}
	return r.Inbox.Delete(ctx, ids...)
}
