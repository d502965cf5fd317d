package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

// hint makes the hints of a delivery durable, then marks them. Marking first would
// lose a hint: after a failed append the delivery sent again would be a repeat
// (I5). Dying in between makes the delivery sent again append under the same id.
func (w *Webhooks) hint(ctx context.Context, sources []told, d domain.Delivery, body domain.Digest) (Taken, error) {
	ctx = context.WithoutCancel(ctx) // who hangs up now sends it again for nothing
	fresh, repeated := w.unseen(ctx, sources, d, body)
	t := Taken{Repeated: len(repeated)}
	w.note(ctx, repeated)
	if len(sources) == 1 {
		t.Job = nextJob(sources[0].Source)
	}
	var messages []domain.Message
	for _, s := range fresh {
		e, err := s.Hinted(domain.Hint{
			Origin: "webhook", ProviderEvent: shortText(domain.Clean(d.Event)), DeliveryID: shortText(domain.Clean(d.ID)), Refs: s.refs, PayloadDigest: body, Access: s.access,
		}, w.Clock.Now())
		if err != nil {
			continue // it is being removed since
		}
		messages = append(messages, domain.Message{ID: hintID(s.ID, d, body), Time: e.At, Partition: s.Partition, Event: e})
	}
	if len(messages) == 0 {
		return t, nil
	}
	if err := w.keep(ctx, messages); err != nil {
		return Taken{}, err
	}
	t.Hints = len(messages)
	w.mark(ctx, fresh, d, body)
	return t, nil
}

// hintID is the id of the event that a delivery becomes. It follows from what is
// signed: the same body under an id that somebody made up is the same event, also
// while marks are lost.
func hintID(source domain.SourceID, d domain.Delivery, body domain.Digest) domain.EventID {
	if d.IDSigned {
		return domain.NewHintEventID(source, d.ID, body)
	}
	return domain.NewHintEventID(source, "", body)
}

// keep appends messages, or puts them into the inbox when the log does not take
// them in time. What is in flight then cannot be called back and may arrive too:
// under the same id.
func (w *Webhooks) keep(ctx context.Context, messages []domain.Message) error {
	logErr := w.append(ctx, messages)
	if logErr == nil {
		return nil
	}
	put, cancel := context.WithTimeout(ctx, inboxPatience)
	defer cancel()
	if err := w.Inbox.Put(put, messages...); err != nil {
		return fmt.Errorf("neither log nor inbox took the hint: %w", errors.Join(domain.ErrUnavailable, logErr, err))
	}
	w.Logger.WarnContext(ctx, "hints wait in the inbox", "hints", len(messages), "err", logErr)
	return nil
}

// errGate stands for the log while it is known to be down.
var errGate = errors.New("the log did not answer a moment ago")

func (w *Webhooks) append(ctx context.Context, messages []domain.Message) error {
	if !w.gate.enter(w.Clock.Now()) {
		return errGate
	}
	limited, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	_, err := w.Log.Append(limited, messages...)
	w.gate.leave(w.Clock.Now(), err == nil)
	return err
}

// A gate keeps deliveries from waiting for a log that does not answer: while it is
// shut, one in a second tries.
type gate struct {
	mu    sync.Mutex
	shut  bool
	until time.Time // nobody tries before; then one does
}

func (g *gate) enter(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		return true
	}
	if now.Before(g.until) {
		return false
	}
	g.until = now.Add(logPatience + time.Second) // for the one that tries now
	return true
}

func (g *gate) leave(now time.Time, well bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut, g.until = !well, now.Add(time.Second)
}

// unseen are the sources that have no mark of this delivery, nor, unless its id is
// signed, of another one with the same body; and what the others repeat. Marks that
// cannot be read are none.
func (w *Webhooks) unseen(ctx context.Context, sources []told, d domain.Delivery, body domain.Digest) (fresh []told, repeated []IdleDelivery) {
	keys := marksOf(sources, d, body)
	read, cancel := context.WithTimeout(ctx, marksPatience)
	defer cancel()
	marked, err := w.Marks.Marked(read, keys)
	if err != nil || len(marked) != len(keys) {
		w.Logger.WarnContext(ctx, "repeated deliveries are not known", "err", err)
		return sources, nil
	}
	for i, s := range sources {
		byID, byBody := marked[2*i], marked[2*i+1] && !d.IDSigned
		if byBody && !byID && d.ID != "" {
			w.Logger.WarnContext(ctx, "suspected replay", "source", s.ID, "delivery", shortText(domain.Clean(d.ID)), "body", body)
		}
		if byID || byBody {
			repeated = append(repeated, w.repeats(s, d, body, marked[2*i+1]))
			continue
		}
		fresh = append(fresh, s)
	}
	return fresh, repeated
}

func (w *Webhooks) mark(ctx context.Context, sources []told, d domain.Delivery, body domain.Digest) {
	write, cancel := context.WithTimeout(ctx, marksPatience)
	defer cancel()
	if err := w.Marks.Mark(write, marksLast, marksOf(sources, d, body)); err != nil {
		w.Logger.WarnContext(ctx, "deliveries are not marked", "err", err)
	}
}

// marksOf are two marks for each source: of the delivery id, and of the body.
// Without an id both are of the body. A delivery for several sources has marks for
// each, so that the same one sent again finishes what was left.
func marksOf(sources []told, d domain.Delivery, body domain.Digest) []string {
	var keys []string
	for _, s := range sources {
		keys = append(keys, domain.NewHintEventID(s.ID, d.ID, body).String(), domain.NewHintEventID(s.ID, "", body).String())
	}
	return keys
}

// nextJob is the job that will look after a hint about src: the one that waits, or
// else the one that comes next.
func nextJob(src domain.Source) domain.JobID {
	if n := len(src.Jobs); n > 0 && !src.Jobs[n-1].Claimed {
		return src.Jobs[n-1].ID
	}
	return domain.NewJobID(src.ID, src.LastJob)
}
