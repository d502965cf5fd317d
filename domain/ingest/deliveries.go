package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/confuse/data-connector/domain"
)

// deliveriesEvery is how often the provider's log of deliveries is read: it costs a
// call.
const deliveriesEvery = 10 * time.Minute

// A reading is how far a log of deliveries was read. It is kept in memory: a
// process that has just started reads what is kept, at the price of one sync.
type reading struct {
	at   time.Time
	hook string // whose log it is; empty: that of the address that all sources share
	next string
}

// logOf is how the log of deliveries about src is read; nil: there is none.
func logOf(src domain.Source, conn domain.WebhookAdmin) func(ctx context.Context, s domain.Scope, after string) (failed bool, next string, err error) {
	if log, ok := conn.(domain.DeliveryLog); ok && src.HookID != "" {
		return func(ctx context.Context, s domain.Scope, after string) (bool, string, error) {
			return log.Undelivered(ctx, s, src.HookID, after)
		}
	}
	if log, ok := conn.(domain.SharedDeliveryLog); ok && src.HookID == "" {
		return log.UndeliveredToAll
	}
	return nil
}

// reconcile looks into the provider's own log of deliveries, if it keeps one. A
// delivery that failed is a hint: providers do not all send again, and the next poll
// may be hours away.
func (r *Registrar) reconcile(ctx context.Context, src domain.Source, admin domain.WebhookAdmin) error {
	undelivered := logOf(src, admin)
	now := r.Clock.Now()
	last := r.read[src.ID]
	if undelivered == nil || now.Before(last.at.Add(deliveriesEvery)) {
		return nil
	}
	if r.read == nil {
		r.read = map[domain.SourceID]reading{}
	}
	if last.hook != src.HookID {
		last = reading{hook: src.HookID}
	}
	r.read[src.ID] = reading{now, last.hook, last.next} // whatever comes of it: the next look is later
	if ours, err := r.Turn(ctx, "deliveries:"+src.ID.String(), deliveriesEvery/2); err != nil || !ours {
		return err
	}
	scope, _, err := scoper{r.Cache, r.Credentials}.scope(src)
	if err != nil {
		return err
	}
	failed, next, err := undelivered(ctx, scope, last.next)
	if err != nil {
		return fmt.Errorf("log of deliveries: %w", err)
	}
	if failed {
		if err := (&Hints{Log: r.Log, Clock: r.Clock}).Hint(ctx, src, domain.Hint{Origin: "deliveries"}); err != nil {
			return err
		}
	}
	r.read[src.ID] = reading{now, last.hook, next} // behind the hint: a failure is not forgotten before it is told
	return nil
}
