package testenv_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/testenv"
)

func TestTopicsAreDeleted(t *testing.T) {
	t.Parallel()

	for name, servers := range map[string][]string{"Kafka": testenv.Kafka(t), "FakeKafka": testenv.FakeKafka(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			adm, err := kadm.NewOptClient(kgo.SeedBrokers(servers...), kgo.MetadataMinAge(50*time.Millisecond)) // else it answers from memory for 5 s
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(adm.Close)
			var prefix string
			other := testenv.Topics(t, servers) + ".stays"
			createTopics(t, adm, other)
			t.Run("uses topics", func(t *testing.T) {
				prefix = testenv.Topics(t, servers)
				createTopics(t, adm, prefix+".a", prefix+".b")
			})
			awaitTopics(t, adm, func(left kadm.TopicDetails) bool {
				return !left.Has(prefix+".a") && !left.Has(prefix+".b")
			})
			awaitTopics(t, adm, func(left kadm.TopicDetails) bool { return left.Has(other) })
		})
	}
}

func createTopics(t *testing.T, adm *kadm.Client, names ...string) {
	t.Helper()
	made, err := adm.CreateTopics(t.Context(), 2, 1, nil, names...)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Error(); err != nil {
		t.Fatal(err)
	}
	awaitTopics(t, adm, func(there kadm.TopicDetails) bool { return there.Has(names[len(names)-1]) })
}

// awaitTopics asks until ok: a broker's view of the topics trails behind the
// controller's answer, and Kafka tells nobody when it has caught up.
func awaitTopics(t *testing.T, adm *kadm.Client, ok func(kadm.TopicDetails) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		topics, err := adm.ListTopics(ctx)
		if err != nil {
			t.Fatalf("topics are not as they should be: %v", err)
		}
		if ok(topics) {
			return
		}
	}
}

func TestTopicsAreNotMadeByThemselves(t *testing.T) {
	t.Parallel()

	for name, servers := range map[string][]string{"Kafka": testenv.Kafka(t), "FakeKafka": testenv.FakeKafka(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			cl, err := kgo.NewClient(kgo.SeedBrokers(servers...), kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cl.Close)
			rec := &kgo.Record{Topic: testenv.Topics(t, servers) + ".missing", Value: []byte("x")}
			if err := cl.ProduceSync(t.Context(), rec).FirstErr(); err == nil {
				t.Error("got a record written to a topic nobody made")
			}
		})
	}
}

func TestDatabase(t *testing.T) {
	t.Parallel()

	var urls [2]string
	t.Run("each is migrated and separate", func(t *testing.T) {
		for i := range urls {
			urls[i] = testenv.Database(t)
			conn := connect(t, urls[i])
			want := []string{"api_keys", "handed_items", "hint_inbox", "hooks", "idempotency", "idle_deliveries", "idle_packs", "notices", "notification_rules", "oauth_tokens", "people", "refused_parts", "replays", "skipped_records", "source_keys", "taken_parts"}
			if diff := cmp.Diff(want, tables(t, conn)); diff != "" {
				t.Errorf("tables of schema app (-want +got):\n%s", diff)
			}
			// The second database would have it twice if it were the first one.
			if _, err := conn.Exec(t.Context(), "CREATE TABLE app.mine (n int)"); err != nil {
				t.Error(err)
			}
		}
	})
	for _, url := range urls {
		if conn, err := pgx.Connect(t.Context(), url); err == nil {
			t.Errorf("got database %s after the test, want it dropped", url)
			_ = conn.Close(t.Context())
		}
	}
}

func TestDatabaseIsDroppedUnderConnections(t *testing.T) {
	t.Parallel()

	var open *pgx.Conn
	t.Run("leaves a connection open", func(t *testing.T) {
		var err error
		open, err = pgx.Connect(t.Context(), testenv.Database(t))
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := open.Ping(t.Context()); err == nil {
		t.Error("got a connection that still works, want its database dropped")
	}
	_ = open.Close(t.Context()) // it is broken
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // its database goes next
	return conn
}

func tables(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = 'app' ORDER BY tablename")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRedisKeysAreDeleted(t *testing.T) {
	t.Parallel()

	url, other := testenv.Redis(t)
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	cl := redis.NewClient(opt)
	t.Cleanup(func() { _ = cl.Close() }) // only reads are left
	set(t, cl, other+"stays")
	var prefix string
	t.Run("sets keys", func(t *testing.T) {
		_, prefix = testenv.Redis(t)
		if !strings.HasSuffix(prefix, ":") {
			t.Errorf("got prefix %q, want a colon at its end", prefix)
		}
		set(t, cl, prefix+"a")
		set(t, cl, prefix+"b:c")
	})
	n, err := cl.Exists(t.Context(), prefix+"a", prefix+"b:c", other+"stays").Result()
	if err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("got %d keys after the test, want only the other test's", n)
	}
}

func set(t *testing.T, cl *redis.Client, key string) {
	t.Helper()
	if err := cl.Set(t.Context(), key, "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
}
