package redis

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/confuse/data-connector/domain"
)

// LeaseTime is how long a lease lasts that is not extended. Workers extend it
// every 3 s: two heartbeats may get lost.
const LeaseTime = 10 * time.Second

// batch is how many tickets one call of the enqueue script takes; a script keeps
// the whole server waiting.
const batch = 1000

// Options say how a [Queue] works. All queues on the same keys need the same.
type Options struct {
	Prefix      string        // of all keys; empty: "dataconnector:"
	Lease       time.Duration // zero: LeaseTime
	PerProvider int           // leases of one provider at a time; 0: any number
	PerOwner    int           // leases of one owner at a time; 0: any number
	// Clock is the one that the times of tickets are told by. Only how far off they
	// are counts then, so that it may differ from the server's; nil: they are one.
	Clock domain.Clock
}

// A Queue implements [domain.Queue]. Of the tickets that are due a claim takes
// the one whose owner has the fewest leases, and of these the oldest, as far as
// the caps allow.
type Queue struct {
	rdb     *goredis.Client
	base    string // beginning of all keys, with the hash tag
	opt     Options
	scripts scripts
	sub     *goredis.PubSub
	bell    *bell
}

var _ domain.Queue = (*Queue)(nil)

// NewQueue makes a queue on c. It listens for wake-ups of other processes until
// it is closed.
func NewQueue(c *Client, o Options) *Queue {
	if o.Prefix == "" {
		o.Prefix = "dataconnector:"
	}
	if o.Lease <= 0 {
		o.Lease = LeaseTime
	}
	q := &Queue{rdb: c.rdb, base: o.Prefix + "{queue}:", opt: o, scripts: loadScripts(), bell: newBell()}
	q.sub = c.rdb.Subscribe(context.Background(), q.base+"wake")
	go q.listen(q.sub.ChannelWithSubscriptions())
	return q
}

// Close stops listening. A Claim that waits goes on until its context ends.
func (q *Queue) Close() error { return q.sub.Close() }

// Enqueue adds tickets, 1,000 in one round trip. A ticket that waits keeps the
// earlier time when the new one is of the same job, else it is replaced. After
// an error some may have been added; adding them again is harmless.
func (q *Queue) Enqueue(ctx context.Context, tickets ...domain.Ticket) error {
	for len(tickets) > 0 {
		n := min(len(tickets), batch)
		args := make([]any, 0, 5*n)
		for _, t := range tickets[:n] {
			args = append(args, t.Source.String(), t.Job.String(), string(t.Provider), string(t.Owner), q.due(t.NotBefore))
		}
		if err := q.run(ctx, q.scripts.enqueue, args...).Err(); err != nil {
			return classify(ctx, "enqueue", err)
		}
		tickets = tickets[n:]
	}
	return nil
}

// due is t as the scripts take it: 0 at once, below 0 a delay by that and 1 ms
// less, else the server's time.
func (q *Queue) due(t time.Time) int64 {
	if t.IsZero() || q.opt.Clock == nil {
		return millis(t)
	}
	return -1 - max(0, t.Sub(q.opt.Clock.Now())+time.Millisecond-1).Milliseconds()
}

// millis rounds up, so that nothing is early; zero is 0, at once.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, t.Add(time.Millisecond-1).UnixMilli())
}

// wantedAfter is how long a ticket has to be due before a lease is wanted for it: a
// worker that is free has taken it by then.
const wantedAfter = time.Second

// Extend gives l its whole time again. A late one succeeds as long as nobody has
// reaped the lease. wanted: for a second or longer a ticket has been due that a
// worker would take, as far as the caps allow and whose owner has the fewest leases,
// if l were given back. ErrFenced: it is gone.
func (q *Queue) Extend(ctx context.Context, l domain.Lease) (wanted bool, err error) {
	const gone, kept = 0, 1 // 2: kept and wanted
	answer, err := q.run(ctx, q.scripts.extend, l.Source.String(), l.Token.String(), q.opt.Lease.Milliseconds(),
		q.opt.PerProvider, q.opt.PerOwner, wantedAfter.Milliseconds()).Int()
	return answer > kept, fenced(ctx, "extend", l, answer != gone, err)
}

// Release ends l. With again zero a ticket that waits behind it takes its place,
// else that one waits on, unless it is of the same job. ErrFenced: l was gone
// already, and nothing has changed.
func (q *Queue) Release(ctx context.Context, l domain.Lease, again time.Time) error {
	held, err := q.run(ctx, q.scripts.release, l.Source.String(), l.Token.String(), q.due(again)).Bool()
	return fenced(ctx, "release", l, held, err)
}

func fenced(ctx context.Context, op string, l domain.Lease, held bool, err error) error {
	if err == nil && !held {
		return fmt.Errorf("redis: %s source %q: %w", op, l.Source, domain.ErrFenced)
	}
	return classify(ctx, op, err)
}

// Forget gives the leases of worker back to the queue.
func (q *Queue) Forget(ctx context.Context, worker string) error {
	return classify(ctx, "forget", q.run(ctx, q.scripts.forget, worker).Err())
}

// Reap gives the leases that were not extended back to the queue and counts
// them. A Claim that waits does the same for itself.
func (q *Queue) Reap(ctx context.Context) (int, error) {
	n, err := q.run(ctx, q.scripts.reap).Int()
	return n, classify(ctx, "reap", err)
}

// Held gives the job of each source that waits or is leased, as of one moment.
// What waits behind a lease is not in it.
func (q *Queue) Held(ctx context.Context) (map[domain.SourceID]domain.JobID, error) {
	var parts [2]*goredis.MapStringStringCmd
	_, err := q.rdb.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		parts[0] = p.HGetAll(ctx, q.base+"tickets")
		parts[1] = p.HGetAll(ctx, q.base+"leases")
		return nil
	})
	if err != nil {
		return nil, classify(ctx, "held", err)
	}
	held := make(map[domain.SourceID]domain.JobID)
	for _, part := range parts {
		for source, value := range part.Val() {
			if err := addHeld(held, source, value); err != nil {
				return nil, fmt.Errorf("redis: held: source %q: %w", source, err)
			}
		}
	}
	return held, nil
}

func addHeld(held map[domain.SourceID]domain.JobID, source, value string) error {
	id, err := domain.ParseSourceID(source)
	if err != nil {
		return err
	}
	var t struct{ Job domain.JobID }
	if err := json.Unmarshal([]byte(value), &t); err != nil {
		return err
	}
	held[id] = t.Job
	return nil
}

// Epoch is a random word that is made when the queue's memory has none: another
// one than before shows that Redis has forgotten what it held.
func (q *Queue) Epoch(ctx context.Context) (string, error) {
	word, err := q.run(ctx, q.scripts.epoch, rand.Text()).Text()
	return word, classify(ctx, "epoch", err)
}
