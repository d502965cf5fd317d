package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/confuse/data-connector/domain"
)

// longestWait bounds how late a claim can be when somebody sets the clock of the
// server forward. Nothing else needs it.
const longestWait = time.Minute

// Claim waits for a ticket and leases it to worker under token. It asks the
// server again when something was enqueued or given back, when the next ticket
// becomes due and when the next lease ends, and sleeps in between.
//
// When its answer gets lost, also because ctx ends meanwhile, the lease is held
// by nobody and ends by itself. ErrUnavailable: try again.
func (q *Queue) Claim(ctx context.Context, worker string, token domain.RunID) (domain.Lease, error) {
	for {
		rung := q.bell.next() // before asking: a wake-up in between is not missed
		answer, err := q.run(ctx, q.scripts.claim, worker, token.String(),
			q.opt.Lease.Milliseconds(), q.opt.PerProvider, q.opt.PerOwner).Slice()
		if err != nil {
			return domain.Lease{}, classify(ctx, "claim", err)
		}
		if len(answer) != 1 {
			return parseLease(answer, token)
		}
		if err := wait(ctx, rung, answer[0]); err != nil {
			return domain.Lease{}, err
		}
	}
}

// wait returns when the bell rings or the pause, in milliseconds, is over; one
// below zero only ends by the bell.
func wait(ctx context.Context, rung <-chan struct{}, pause any) error {
	ms, ok := pause.(int64)
	if !ok {
		return fmt.Errorf("redis: claim: got a pause of %v", pause)
	}
	d := longestWait
	if ms >= 0 {
		d = min(d, time.Duration(ms)*time.Millisecond)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-rung:
	case <-timer.C:
	}
	return nil
}

// parseLease reads {source, job, provider, owner, due}.
func parseLease(answer []any, token domain.RunID) (domain.Lease, error) {
	var text [5]string
	if len(answer) != len(text) {
		return domain.Lease{}, fmt.Errorf("redis: claim: got %d values, want %d", len(answer), len(text))
	}
	for i := range text {
		text[i], _ = answer[i].(string) // another type fails below
	}
	l := domain.Lease{Token: token}
	l.Provider, l.Owner = domain.Provider(text[2]), domain.OwnerID(text[3])
	due, err := strconv.ParseInt(text[4], 10, 64)
	if err == nil {
		err = l.Source.UnmarshalText([]byte(text[0]))
	}
	if err == nil {
		err = l.Job.UnmarshalText([]byte(text[1]))
	}
	if err != nil {
		return domain.Lease{}, fmt.Errorf("redis: claim: %w", err)
	}
	l.NotBefore = time.UnixMilli(due).UTC()
	return l, nil
}
