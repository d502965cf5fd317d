package kafka

import (
	"cmp"
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
)

// A flight is an append on its way. It ends when the client has answered for
// each of its records, whoever waits for it or not.
type flight struct {
	done chan struct{}

	// Once done is closed:
	written bool              // the broker took one of the records, or may have
	err     error             // the first one
	at      []domain.Position // of each record, when there is no error
}

// takeOff sends records. land is called with the first error when all are answered for;
// without one the records are the caller's again. The client waits for no more records
// once it has these: whoever waits for a page or a hint waits for its answer, not for
// company.
func takeOff(ctx context.Context, client *kgo.Client, records []*kgo.Record, land func(error)) *flight {
	f := &flight{done: make(chan struct{})}
	go func() {
		defer close(f.done)
		for _, r := range client.ProduceSync(ctx, records...) {
			f.written = f.written || r.Err == nil || !refused(r.Err)
			f.err = cmp.Or(f.err, r.Err)
		}
		if f.err == nil {
			f.at = positions(records)
		}
		land(f.err)
	}()
	return f
}

// wait returns when the flight has ended or ctx has. The second one leaves it
// unknown what becomes of the records: what was sent cannot be called back.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
	case <-ctx.Done():
		select {
		case <-f.done: // both at once: the answer is there
		default:
			return appendError(context.Cause(ctx), true)
		}
	}
	if f.err != nil {
		return appendError(f.err, f.written)
	}
	return nil
}

func positions(records []*kgo.Record) []domain.Position {
	ps := make([]domain.Position, len(records))
	for i, r := range records {
		ps[i] = domain.Position{Partition: r.Partition, Offset: r.Offset}
	}
	return ps
}
