package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A SettingError is a topic that is not as the log needs it.
type SettingError struct {
	Topic   string
	Setting string // "partitions", or a topic setting of Kafka
	Found   string
	Wanted  string
	Remedy  string // the command that makes it right
	Advice  bool   // the service runs as it is, but not as safely as it could
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("kafka: topic %q: %s is %s, want %s; run: %s", e.Topic, e.Setting, e.Found, e.Wanted, e.Remedy)
}

// Check tells what is wrong with the topics of the layout, without changing
// anything. A missing topic is advice: Ensure makes it.
func Check(ctx context.Context, o Options) ([]*SettingError, error) {
	client, err := kgo.NewClient(o.client()...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	found, err := describe(ctx, kadm.NewClient(client), o.Layout)
	if err != nil {
		return nil, err
	}
	return judge(o, found), nil
}

// judge compares what was found with the layout, in the order of its topics.
func judge(o Options, found map[string]foundTopic) []*SettingError {
	var wrong []*SettingError
	most := o.Layout.partitions()
	if len(found) > 0 {
		most = mostPartitions(found) // partitions can be added, never taken away
	}
	tell := func(e SettingError) { wrong = append(wrong, &e) }
	for _, t := range o.Layout.topics() {
		f, ok := found[t.name]
		if !ok {
			tell(SettingError{t.name, "topic", "missing", "there", o.creation(t, most), true})
			continue
		}
		if f.partitions != most {
			tell(SettingError{t.name, setPartitions, strconv.Itoa(int(f.partitions)), strconv.Itoa(int(most)), o.enlargement(t, most), false})
		}
		for _, need := range needs(t, f) {
			if is, ok := f.settings[need.key]; !ok || !need.met(is) {
				tell(SettingError{t.name, need.key, is, need.wanted, o.alteration(t, need), need.advice})
			}
		}
	}
	return wrong
}

// A need is what a setting has to be.
type need struct {
	key, wanted string
	met         func(is string) bool
	advice      bool
}

func needs(t topic, f foundTopic) []need {
	same := func(key, wanted string) need {
		return need{key: key, wanted: wanted, met: func(is string) bool { return is == wanted }}
	}
	least := func(key string, n int) need {
		return need{key: key, wanted: strconv.Itoa(n), met: func(is string) bool {
			v, err := strconv.Atoi(is)
			return err == nil && v >= n
		}}
	}
	all := []need{same(setCleanup, t.cleanup()), least(setMessageBytes, maxMessageBytes)}
	if t.keep == 0 {
		all = append(all, same(setRetentionTime, unlimited), same(setRetentionBytes, unlimited))
	}
	safe := least(setInSync, inSync(f.replicas))
	safe.advice = true
	return append(all, safe)
}

// The remedies are commands of Kafka's own tools.

func (o Options) creation(t topic, partitions int32) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions %d", o.servers(), t.name, partitions)
	if o.Layout.Replicas > 0 {
		fmt.Fprintf(&b, " --replication-factor %d", o.Layout.Replicas)
	}
	settings := t.settings(o.Layout.Replicas)
	for _, key := range []string{setCleanup, setRetentionTime, setRetentionBytes, setMessageBytes, setInSync} {
		if v, ok := settings[key]; ok {
			fmt.Fprintf(&b, " --config %s=%s", key, v)
		}
	}
	return b.String()
}

func (o Options) enlargement(t topic, partitions int32) string {
	return fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --alter --topic %s --partitions %d", o.servers(), t.name, partitions)
}

func (o Options) alteration(t topic, n need) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s=%s",
		o.servers(), t.name, n.key, n.wanted)
}

func (o Options) servers() string { return strings.Join(o.Brokers, ",") }
