package kafka_test

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/testenv"
)

func TestEnsureMakesTheLayout(t *testing.T) {
	t.Parallel()

	for name, keepAll := range map[string]bool{"by time": false, "all kept": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			onBoth(t, func(t *testing.T, w world) {
				w.Layout.Prefix += ".new"
				w.Layout.KeepAll = keepAll
				for range 2 { // a second time changes nothing
					if err := kafka.Ensure(t.Context(), w.Options); err != nil {
						t.Fatal(err)
					}
				}
				want := map[string]string{w.Layout.Events(): "-1", w.Layout.Pipeline(): "-1", w.Layout.Replay(): "259200000", w.Layout.Dead(): "2592000000", w.Layout.Chunks(): "259200000"}
				if keepAll {
					want[w.Layout.Replay()], want[w.Layout.Dead()], want[w.Layout.Chunks()] = "-1", "-1", "-1"
				}
				if diff := cmp.Diff(want, settings(t, w, "retention.ms", want)); diff != "" {
					t.Errorf("retention (-want +got):\n%s", diff)
				}
				for topic := range want {
					want[topic] = "delete"
				}
				if diff := cmp.Diff(want, settings(t, w, "cleanup.policy", want)); diff != "" {
					t.Errorf("cleanup (-want +got):\n%s", diff)
				}
				if wrong, err := kafka.Check(t.Context(), w.Options); len(wrong) > 0 || err != nil {
					t.Errorf("got %v, %v of topics just made, want nothing wrong", wrong, err)
				}
			})
		})
	}
}

// settings gives one explicit setting of each topic of named.
func settings(t *testing.T, w world, key string, named map[string]string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	for topic := range named {
		configs, err := w.admin.DescribeTopicConfigs(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range configs[0].Configs {
			if c.Key == key {
				got[topic] = c.MaybeValue()
			}
		}
	}
	return got
}

func TestCheckNamesTheRemedy(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		events, dead := w.Layout.Events(), w.Layout.Dead()
		setTopic(t, w, events, map[string]string{"retention.ms": "604800000", "cleanup.policy": "compact"})
		if _, err := w.admin.UpdatePartitions(t.Context(), partitions+1, w.Layout.Pipeline()); err != nil {
			t.Fatal(err)
		}
		servers := "--bootstrap-server " + strings.Join(w.Brokers, ",")
		alter := func(topic, setting string) string {
			return "kafka-configs.sh " + servers + " --alter --entity-type topics --entity-name " + topic + " --add-config " + setting
		}
		grow := func(topic string) string {
			return "kafka-topics.sh " + servers + " --alter --topic " + topic + " --partitions 3"
		}
		want := []*kafka.SettingError{
			{Topic: events, Setting: "partitions", Found: "2", Wanted: "3", Remedy: grow(events)},
			{Topic: events, Setting: "cleanup.policy", Found: "compact", Wanted: "delete", Remedy: alter(events, "cleanup.policy=delete")},
			{Topic: events, Setting: "retention.ms", Found: "604800000", Wanted: "-1", Remedy: alter(events, "retention.ms=-1")},
			{Topic: dead, Setting: "partitions", Found: "2", Wanted: "3", Remedy: grow(dead)},
			{Topic: w.Layout.Replay(), Setting: "partitions", Found: "2", Wanted: "3", Remedy: grow(w.Layout.Replay())},
			{Topic: w.Layout.Chunks(), Setting: "partitions", Found: "2", Wanted: "3", Remedy: grow(w.Layout.Chunks())},
		}
		wrong := awaitWrong(t, w, len(want))
		if diff := cmp.Diff(want, wrong); diff != "" {
			t.Errorf("what is wrong (-want +got):\n%s", diff)
		}
		err := kafka.Ensure(t.Context(), w.Options)
		for _, e := range want {
			if err == nil || !strings.Contains(err.Error(), e.Error()) {
				t.Errorf("got error %v, want it to say %q", err, e)
			}
		}
		w.Layout.KeepAll = true
		if wrong, err := kafka.Check(t.Context(), w.Options); err != nil || len(wrong) != len(want)+3 {
			t.Errorf("got %v, %v, want three more: everything has to be kept", wrong, err)
		}
	})
}

// awaitWrong asks until at least n things are wrong: brokers learn of a change
// one after the other and tell nobody.
func awaitWrong(t *testing.T, w world, n int) []*kafka.SettingError {
	t.Helper()
	ctx := soon(t)
	for {
		wrong, err := kafka.Check(ctx, w.Options)
		if err != nil {
			t.Fatal(err)
		}
		if len(wrong) >= n {
			return wrong
		}
	}
}

func setTopic(t *testing.T, w world, topic string, set map[string]string) {
	t.Helper()
	var alter []kadm.AlterConfig
	for k, v := range set {
		alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: k, Value: kadm.StringPtr(v)})
	}
	done, err := w.admin.AlterTopicConfigs(t.Context(), alter, topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range done {
		if d.Err != nil {
			t.Fatal(d.Err)
		}
	}
}

func TestCheckMakesNothing(t *testing.T) {
	t.Parallel()

	for name, servers := range map[string][]string{"broker": testenv.Kafka(t), "in process": testenv.FakeKafka(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := emptyWorld(t, servers)
			for range 2 {
				wrong, err := kafka.Check(t.Context(), w.Options)
				if err != nil || len(wrong) != 5 {
					t.Fatalf("got %v, %v, want five missing topics", wrong, err)
				}
				for _, e := range wrong {
					if e.Setting != "topic" || !e.Advice || !strings.Contains(e.Remedy, "--create --topic "+e.Topic+" --partitions 2 --replication-factor 1 --config cleanup.policy=delete") {
						t.Errorf("got %+v, want advice to create it", e)
					}
				}
			}
		})
	}
}

func TestEnsureTakesThePartitionsThatAreThere(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Layout.Prefix += ".new"
		if _, err := w.admin.CreateTopic(t.Context(), 3, 1, map[string]*string{
			"retention.ms": kadm.StringPtr("-1"), "retention.bytes": kadm.StringPtr("-1"),
		}, w.Layout.Events()); err != nil {
			t.Fatal(err)
		}
		if err := kafka.Ensure(soon(t), w.Options); err != nil {
			var e *kafka.SettingError
			t.Errorf("got error %v (of a setting: %t), want topics with 3 partitions", err, errors.As(err, &e))
		}
	})
}

// A broker that has not heard yet of a topic that was just made does not make Ensure take
// another number of partitions.
func TestEnsureWaitsForABrokerThatIsBehind(t *testing.T) {
	t.Parallel()

	cluster := newCluster(t)
	w := emptyWorld(t, cluster.ListenAddrs())
	if _, err := w.admin.CreateTopic(t.Context(), partitions+1, 1, map[string]*string{
		"retention.ms": kadm.StringPtr("-1"), "retention.bytes": kadm.StringPtr("-1"),
	}, w.Layout.Events()); err != nil {
		t.Fatal(err)
	}
	var looks atomic.Int32
	cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req, _ := r.(*kmsg.MetadataRequest)
		if len(req.Topics) == 0 || looks.Add(1) > 2 {
			return nil, nil, false
		}
		return unheard(cluster, req), nil, true
	})
	if err := kafka.Ensure(soon(t), w.Options); err != nil {
		t.Errorf("got error %v, want topics with %d partitions", err, partitions+1)
	}
	if n := looks.Load(); n < 3 {
		t.Errorf("looked %d times, want again and again", n)
	}
}

// unheard answers req as a broker that knows none of its topics.
func unheard(cluster *kfake.Cluster, req *kmsg.MetadataRequest) kmsg.Response {
	resp, _ := req.ResponseKind().(*kmsg.MetadataResponse)
	host, port, _ := net.SplitHostPort(cluster.ListenAddrs()[0])
	broker := kmsg.NewMetadataResponseBroker()
	broker.Host = host
	n, _ := strconv.Atoi(port)
	broker.Port = int32(n)
	resp.Brokers = append(resp.Brokers, broker)
	for _, asked := range req.Topics {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = asked.Topic, kerr.UnknownTopicOrPartition.Code
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}
