package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// usableTime is how long topics that were just made may take until they can be
// used. Brokers learn of them one after the other.
const usableTime = 30 * time.Second

// lookAgain is how long Ensure waits between two looks at new topics: brokers
// tell nobody when they have learned of them.
const lookAgain = 50 * time.Millisecond

// Ensure makes the topics of the layout that are missing, waits until they can
// be used, and checks all of them as Check does. It may run in several processes
// at once. Topics that exist are never changed: what has to be other is told as
// a [*SettingError] each, joined; advice is left out.
func Ensure(ctx context.Context, o Options) error {
	// A broker that is silent from the start is waited for without regard to the
	// context of a request, only to that of the client.
	client, err := kgo.NewClient(o.client(kgo.MetadataMinAge(lookAgain), kgo.WithContext(ctx))...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	found, err := agreed(ctx, admin, o.Layout)
	if err != nil {
		return err
	}
	if err := create(ctx, admin, o.Layout, found); err != nil {
		return err
	}
	if err := awaitUsable(ctx, admin, o.Layout); err != nil {
		return err
	}
	if found, err = agreed(ctx, admin, o.Layout); err != nil {
		return err
	}
	var wrong []error
	for _, e := range judge(o, found) {
		if !e.Advice {
			wrong = append(wrong, e)
		}
	}
	return errors.Join(wrong...)
}

// create makes what is missing, with as many partitions as the topics that are
// there.
func create(ctx context.Context, admin *kadm.Client, l Layout, found map[string]foundTopic) error {
	partitions := l.partitions()
	if len(found) > 0 {
		partitions = mostPartitions(found)
	}
	for _, t := range l.topics() {
		if _, ok := found[t.name]; ok {
			continue
		}
		settings := make(map[string]*string)
		for k, v := range t.settings(l.Replicas) {
			settings[k] = kadm.StringPtr(v)
		}
		_, err := admin.CreateTopic(ctx, partitions, l.replicas(), settings, t.name)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // another process was faster
			return fmt.Errorf("kafka: create topic %q with %d partitions: %w", t.name, partitions, err)
		}
	}
	return nil
}

// awaitUsable waits until each partition has a leader that answers for it.
func awaitUsable(ctx context.Context, admin *kadm.Client, l Layout) error {
	ctx, cancel := context.WithTimeout(ctx, usableTime)
	defer cancel()
	var names []string
	for _, t := range l.topics() {
		names = append(names, t.name)
	}
	for {
		offsets, err := admin.ListEndOffsets(ctx, names...)
		if err == nil {
			err = offsets.Error()
		}
		if err == nil && len(offsets) == len(names) {
			return nil
		}
		if !pause(ctx, lookAgain) {
			return fmt.Errorf("kafka: topics %q do not become usable: %w", names, errors.Join(err, context.Cause(ctx)))
		}
	}
}

// pause waits for d. It reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A foundTopic is a topic as the cluster has it.
type foundTopic struct {
	partitions int32
	replicas   int // of the partition that has the fewest
	settings   map[string]string
}

func mostPartitions(found map[string]foundTopic) int32 {
	var n int32
	for _, f := range found {
		n = max(n, f.partitions)
	}
	return n
}

// agreed is describe once no broker is behind: one that has not heard yet of a topic
// that was just made or deleted does not know it where another one does. Topics made
// beside that one would have another number of partitions, which is for ever.
func agreed(ctx context.Context, admin *kadm.Client, l Layout) (map[string]foundTopic, error) {
	ctx, cancel := context.WithTimeout(ctx, usableTime)
	defer cancel()
	for {
		found, err := describe(ctx, admin, l)
		if err == nil {
			err = unheard(ctx, admin, l, found)
		}
		if !errors.Is(err, kerr.UnknownTopicOrPartition) || !pause(ctx, lookAgain) {
			return found, err
		}
	}
}

// unheard is kerr.UnknownTopicOrPartition when a topic exists that was not found. Of that
// the controller knows first, which alone makes topics: it is asked, and makes none.
func unheard(ctx context.Context, admin *kadm.Client, l Layout, found map[string]foundTopic) error {
	var missing []string
	for _, t := range l.topics() {
		if _, ok := found[t.name]; !ok {
			missing = append(missing, t.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	answers, err := admin.ValidateCreateTopics(ctx, l.partitions(), l.replicas(), nil, missing...)
	if err != nil {
		return askError("ask for topics", err)
	}
	for _, a := range answers {
		if errors.Is(a.Err, kerr.TopicAlreadyExists) {
			return askError(fmt.Sprintf("look at topic %q", a.Topic), kerr.UnknownTopicOrPartition)
		}
	}
	return nil // what else is wrong, create tells
}

// describe gives those topics of l that exist.
func describe(ctx context.Context, admin *kadm.Client, l Layout) (map[string]foundTopic, error) {
	found := make(map[string]foundTopic)
	var names []string
	for _, t := range l.topics() {
		names = append(names, t.name)
	}
	details, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, askError("list topics", err)
	}
	for name, d := range details {
		if errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
			continue
		}
		if d.Err != nil {
			return nil, askError(fmt.Sprintf("look at topic %q", name), d.Err)
		}
		found[name] = foundTopic{int32(len(d.Partitions)), fewestReplicas(d), make(map[string]string)} // Kafka counts them in int32
	}
	configs, err := admin.DescribeTopicConfigs(ctx, slices.Sorted(maps.Keys(found))...)
	if err != nil {
		return nil, askError("read the settings of topics", err)
	}
	for _, c := range configs {
		if c.Err != nil {
			return nil, askError(fmt.Sprintf("read the settings of topic %q", c.Name), c.Err)
		}
		for _, s := range c.Configs {
			found[c.Name].settings[s.Key] = s.MaybeValue()
		}
	}
	return found, nil
}

func fewestReplicas(d kadm.TopicDetail) int {
	n := -1
	for _, p := range d.Partitions {
		if n < 0 || len(p.Replicas) < n {
			n = len(p.Replicas)
		}
	}
	return n
}
