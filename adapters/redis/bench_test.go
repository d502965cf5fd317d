package redis_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/domain"
)

func benchQueue(b *testing.B) *redis.Queue {
	b.Helper()
	url, prefix := testenv.Redis(b)
	c, err := redis.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	q := redis.NewQueue(c, redis.Options{Prefix: prefix})
	b.Cleanup(func() { _, _ = q.Close(), c.Close() }) // the figures are taken
	return q
}

func thousand(round int) []domain.Ticket {
	tickets := make([]domain.Ticket, 1000)
	for n := range tickets {
		tickets[n] = ticket(round*1000 + n)
		tickets[n].Owner = domain.OwnerID(source(n % 50).String())
	}
	return tickets
}

// BenchmarkEnqueue adds 1,000 tickets of 50 owners at a time.
func BenchmarkEnqueue(b *testing.B) {
	q, round := benchQueue(b), 0
	for b.Loop() {
		if err := q.Enqueue(b.Context(), thousand(round)...); err != nil {
			b.Fatal(err)
		}
		round++
	}
	b.ReportMetric(float64(b.N*1000)/b.Elapsed().Seconds(), "tickets/s")
}

// BenchmarkClaim claims and releases one ticket of 1,000 at a time.
func BenchmarkClaim(b *testing.B) {
	q := benchQueue(b)
	if err := q.Enqueue(b.Context(), thousand(0)...); err != nil {
		b.Fatal(err)
	}
	id, err := domain.NewRunID()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		l, err := q.Claim(b.Context(), "w1", id)
		if err == nil {
			err = q.Release(b.Context(), l, time.Unix(1, 0))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
