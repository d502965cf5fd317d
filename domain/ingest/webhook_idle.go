package ingest

import (
	"context"
	"time"

	"github.com/confuse/data-connector/domain"
)

// idlePatience is how long a delivery without an effect waits for its row: it is
// there to be looked at, and not worth an answer that comes late.
const idlePatience = 500 * time.Millisecond

// How long what was ignored is kept, how much of it for each source, and how often
// what is over is deleted.
const (
	idleLast  = 30 * 24 * time.Hour
	idleMost  = 10_000
	tidyEvery = time.Hour
)

// An IdleDelivery is an authentic delivery that had no effect.
type IdleDelivery struct {
	ID       domain.EventID  // of the event that it repeats; else a name of its own
	Source   domain.SourceID // zero: it is about nothing that is connected
	Owner    domain.OwnerID  // of Source
	Provider domain.Provider
	Event    string // the provider's word: "ping"
	Delivery string // the provider's id of it
	Body     domain.Digest
	Reason   string // why it was ignored; empty: it repeats one
	At       time.Time
}

// IdleDeliveries keep what came of deliveries that are no events. It may be used
// concurrently. Losing rows loses no effect.
type IdleDeliveries interface {
	// Note keeps deliveries. Those with one id are one row, which counts them.
	Note(ctx context.Context, all ...IdleDelivery) error
	// Trim deletes what was ignored and did not come again since before, and all but
	// the newest most rows of what was ignored for each source.
	Trim(ctx context.Context, before time.Time, most int) error
	// Forget deletes all of a source.
	Forget(ctx context.Context, source domain.SourceID) error
}

// sameID is why a delivery is ignored that is not the one whose id it has.
const sameID = "another delivery with its id was taken before"

// ignore is what comes of a delivery that means nothing here: a row for each source
// that it is about. A row that cannot be written changes nothing for who sent it:
// providers switch webhooks off that answer badly.
func (w *Webhooks) ignore(ctx context.Context, provider domain.Provider, hook *SourceHook, sources []told, d domain.Delivery, body domain.Digest) {
	idle := w.idleOf(d, body)
	idle.Provider, idle.Reason = provider, d.Ignored
	var all []IdleDelivery
	note := func(source domain.SourceID, owner domain.OwnerID) {
		idle.Source, idle.Owner, idle.ID = source, owner, ignoredID(source, provider, d, body)
		all = append(all, idle)
	}
	switch {
	case hook != nil:
		note(hook.Source, hook.Owner)
	case len(sources) == 0:
		note(domain.SourceID{}, "")
	}
	for _, s := range sources {
		if hook == nil {
			note(s.ID, s.Owner)
		}
	}
	w.note(ctx, all)
}

// idleOf is what the rows of a delivery share.
func (w *Webhooks) idleOf(d domain.Delivery, body domain.Digest) IdleDelivery {
	return IdleDelivery{Event: shortText(domain.Clean(d.Event)), Delivery: shortText(domain.Clean(d.ID)), Body: body, At: w.Clock.Now()}
}

// repeats is the row of a delivery that was taken before for a source: one for the
// event that it was then. byBody: that had the same body, as all have that repeat an
// event; one that has only the id of another is a row of its own.
func (w *Webhooks) repeats(s told, d domain.Delivery, body domain.Digest, byBody bool) IdleDelivery {
	idle := w.idleOf(d, body)
	idle.ID, idle.Source, idle.Owner, idle.Provider = hintID(s.ID, d, body), s.ID, s.Owner, s.Provider
	if !byBody && !d.IDSigned {
		idle.ID, idle.Reason = ignoredID(s.ID, s.Provider, d, body), sameID
	}
	return idle
}

func ignoredID(source domain.SourceID, provider domain.Provider, d domain.Delivery, body domain.Digest) domain.EventID {
	if d.IDSigned {
		return domain.NewIgnoredID(source, provider, d.ID, body)
	}
	return domain.NewIgnoredID(source, provider, "", body)
}

func (w *Webhooks) note(ctx context.Context, all []IdleDelivery) {
	if len(all) == 0 {
		return
	}
	write, cancel := context.WithTimeout(ctx, idlePatience)
	defer cancel()
	if err := w.Idle.Note(write, all...); err != nil {
		w.Logger.WarnContext(ctx, "deliveries without an effect are not noted", "deliveries", len(all), "err", err)
	}
}

// TidyDeliveries deletes what is too old of table, and too much, until ctx ends. What
// goes wrong is told and tried again.
func TidyDeliveries(ctx context.Context, table IdleDeliveries, clock domain.Clock, failed func(error)) error {
	for {
		if err := table.Trim(ctx, clock.Now().Add(-idleLast), idleMost); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-clock.After(tidyEvery):
		case <-ctx.Done():
			return nil
		}
	}
}
