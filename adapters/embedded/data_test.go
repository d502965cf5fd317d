package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/embedded"
)

const topic = "embedded.test.v1"

// write puts value into each server, acknowledged.
func write(ctx context.Context, s *embedded.Servers, value string) error {
	return errors.Join(produce(ctx, s, value), insert(ctx, s, value), set(ctx, s, value))
}

func produce(ctx context.Context, s *embedded.Servers, value string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(s.KafkaBootstrap...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer client.Close()
	forever := "-1"
	_, err = kadm.NewClient(client).CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &forever}, topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic: %w", err)
	}
	return client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr()
}

func insert(ctx context.Context, s *embedded.Servers, value string) error {
	conn, err := pgx.Connect(ctx, s.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // all it did is committed
	_, err = conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS things (value text PRIMARY KEY)`)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `INSERT INTO things VALUES ($1)`, value)
	return err
}

func set(ctx context.Context, s *embedded.Servers, value string) error {
	opts, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		return err
	}
	client := redis.NewClient(opts)
	defer func() { _ = client.Close() }() // nothing to be lost
	return client.Set(ctx, "thing", value, time.Hour).Err()
}

// checkKept fails unless the log and the table hold exactly want.
func checkKept(t *testing.T, s *embedded.Servers, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	slices.Sort(want)
	if got := records(ctx, t, s, len(want)); !slices.Equal(got, want) {
		t.Errorf("got records %q, want %q", got, want)
	}
	conn := connect(t, s)
	rows, err := conn.Query(ctx, `SELECT value FROM things ORDER BY value COLLATE "C"`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got rows %q, want %q", got, want)
	}
}

// records are the values on the topic, sorted; it waits for n of them and gives
// more when there are more.
func records(ctx context.Context, t *testing.T, s *embedded.Servers, n int) []string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.KafkaBootstrap...),
		kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	if total < int64(n) {
		t.Fatalf("got %d records on the log, want %d", total, n)
	}
	var values []string
	for int64(len(values)) < total {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	slices.Sort(values)
	return values
}

func connect(t *testing.T, s *embedded.Servers) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may be gone already
	return conn
}

func redisClient(t *testing.T, s *embedded.Servers) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(opts)
	t.Cleanup(func() { _ = client.Close() }) // nothing to be lost
	return client
}
