package testenv

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dialTime is how long a server may take to answer its first question.
const dialTime = 10 * time.Second

// RealKafka tells whether Kafka gives a real broker. A test of something that
// only a real one does says so and skips without it.
func RealKafka(tb testing.TB) bool {
	tb.Helper()
	return server(tb, kafkaVariable) != ""
}

// Kafka returns the addresses of a Kafka that answers. Without a real one it is
// a broker in process (kfake) that lives as long as the test, a new one at each
// call; with REQUIRE_REAL=1 the test fails instead. Topics are not made by
// themselves on either.
func Kafka(tb testing.TB) []string {
	tb.Helper()
	if v := server(tb, kafkaVariable); v != "" {
		servers := strings.Split(v, ",")
		ping(tb, servers)
		return servers
	}
	if os.Getenv("REQUIRE_REAL") == "1" {
		tb.Fatalf("%s is not set, and REQUIRE_REAL=1; %s", kafkaVariable, remedy)
	}
	return FakeKafka(tb)
}

// FakeKafka returns the address of a broker in process that lives as long as the
// test. opts come after its own: one broker on loopback, no automatic topics.
func FakeKafka(tb testing.TB, opts ...kfake.Opt) []string {
	tb.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		tb.Fatalf("broker in process: %v", err)
	}
	tb.Cleanup(c.Close)
	return c.ListenAddrs()
}

// Topics returns a prefix for the topics of this test, without a separator at
// its end. All topics of servers that begin with it are deleted after the test.
func Topics(tb testing.TB, servers []string) string {
	tb.Helper()
	prefix := unique()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
		defer cancel()
		if err := deleteTopics(ctx, servers, prefix); err != nil {
			tb.Errorf("delete the topics %s*: %v", prefix, err)
		}
	})
	return prefix
}

func ping(tb testing.TB, servers []string) {
	tb.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(servers...))
	if err != nil {
		tb.Fatalf("Kafka at %s: %v", servers, err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(tb.Context(), dialTime)
	defer cancel()
	if err := cl.Ping(ctx); err != nil {
		tb.Fatalf("Kafka at %s does not answer: %v; %s", servers, err, remedy)
	}
}

func deleteTopics(ctx context.Context, servers []string, prefix string) error {
	adm, err := kadm.NewOptClient(kgo.SeedBrokers(servers...))
	if err != nil {
		return err
	}
	defer adm.Close()
	topics, err := adm.ListTopics(ctx)
	if err != nil {
		return err
	}
	var ours []string
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, prefix) {
			ours = append(ours, name)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	deleted, err := adm.DeleteTopics(ctx, ours...)
	if err != nil {
		return err
	}
	return deleted.Error()
}
