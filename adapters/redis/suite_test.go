package redis_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/domain"
)

// A server is a Redis with a corner of its own for one test.
type server struct {
	url, prefix string
	raw         *goredis.Client
	flush       func(*testing.T) // forgets all keys of the corner
}

// each runs test on a real server and on one in process: the scripts promise the
// same on both.
func each(t *testing.T, test func(*testing.T, server)) {
	t.Helper()
	t.Run("real", func(t *testing.T) {
		t.Parallel()

		url, prefix := testenv.Redis(t)
		s := server{url: url, prefix: prefix, raw: dial(t, url)}
		s.flush = func(t *testing.T) { deleteAll(t, s) } // others are on the same server: no FLUSHALL
		test(t, s)
	})
	t.Run("in process", func(t *testing.T) {
		t.Parallel()

		m := miniredis.RunT(t)
		url := "redis://" + m.Addr()
		raw := dial(t, url)
		test(t, server{url: url, prefix: "test:", raw: raw, flush: func(t *testing.T) {
			if err := raw.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}})
	})
}

func dial(t *testing.T, url string) *goredis.Client {
	t.Helper()
	opt, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(opt)
	t.Cleanup(func() { _ = c.Close() }) // nothing is written at its end
	return c
}

func deleteAll(t *testing.T, s server) {
	t.Helper()
	for _, k := range s.keys(t) {
		if err := s.raw.Del(t.Context(), k).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func (s server) keys(t *testing.T) []string {
	t.Helper()
	var keys []string
	found := s.raw.Scan(t.Context(), 0, s.prefix+"*", 1000).Iterator()
	for found.Next(t.Context()) {
		keys = append(keys, found.Val())
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return keys
}

// now is the time of the server.
func (s server) now(t *testing.T) time.Time {
	t.Helper()
	now, err := s.raw.Time(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// queue is one more client of s, as another process would be.
func (s server) queue(t *testing.T, o redis.Options) *redis.Queue {
	t.Helper()
	q, _ := s.open(t, o)
	return q
}

func (s server) open(t *testing.T, o redis.Options) (*redis.Queue, *redis.Client) {
	t.Helper()
	c, err := redis.Open(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	o.Prefix = s.prefix
	q := redis.NewQueue(c, o)
	t.Cleanup(func() {
		if err := errors.Join(q.Close(), c.Close()); err != nil {
			t.Error(err)
		}
	})
	return q, c
}

// source and job are ids that a failing test can be read by.
func source(n int) domain.SourceID {
	return domain.SourceID{UUID: uuid.MustParse(fmt.Sprintf("00000000-0000-7000-8000-%012d", n))}
}

func job(n int) domain.JobID {
	return domain.JobID{UUID: uuid.MustParse(fmt.Sprintf("00000000-0000-5000-8000-%012d", n))}
}

func ticket(n int) domain.Ticket {
	return domain.Ticket{Source: source(n), Job: job(n), Provider: "localfs", Owner: "ann"}
}

func token(t *testing.T) domain.RunID {
	t.Helper()
	id, err := domain.NewRunID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func enqueue(t *testing.T, q *redis.Queue, tickets ...domain.Ticket) {
	t.Helper()
	if err := q.Enqueue(t.Context(), tickets...); err != nil {
		t.Fatal(err)
	}
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// claim waits for a ticket.
func claim(t *testing.T, q *redis.Queue, worker string) domain.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := q.Claim(ctx, worker, token(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// nothing checks that there is nothing to claim now.
func nothing(t *testing.T, q *redis.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if l, err := q.Claim(ctx, "idle", token(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got source %v and error %v, want nothing to claim", l.Source, err)
	}
}

func release(t *testing.T, q *redis.Queue, l domain.Lease, again time.Time) {
	t.Helper()
	if err := q.Release(t.Context(), l, again); err != nil {
		t.Fatal(err)
	}
}

func wantFenced(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, domain.ErrFenced) {
		t.Errorf("got error %v, want %v", err, domain.ErrFenced)
	}
}

// extend is Extend for those who do not ask who waits.
func extend(t *testing.T, q domain.Queue, l domain.Lease) error {
	t.Helper()
	_, err := q.Extend(t.Context(), l)
	return err
}
