package kafka_test

import (
	"context"
	"errors"
	"testing"
	"time"

	watermill "github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/testenv"
)

// TestWatermill runs watermill's own suite. One lane keeps the order of a whole
// partition, as the suite asks for it; the order of a key under many lanes is
// tested by TestLanes.
func TestWatermill(t *testing.T) {
	t.Parallel()

	w := emptyWorld(t, testenv.Kafka(t))
	w.Log = quiet()
	features := tests.Features{
		ConsumerGroups:    true,
		GuaranteedOrder:   true,
		Persistent:        true,
		ForceShort:        true,
		GenerateTopicFunc: func(c tests.TestContext) string { return w.Layout.Prefix + "." + string(c.TestID) },
	}
	grouped := func(t *testing.T, group string) (watermill.Publisher, watermill.Subscriber) {
		t.Helper()
		pub, err := kafka.NewPublisher(w.Options)
		if err != nil {
			t.Fatal(err)
		}
		sub := kafka.NewSubscriber(w.Options, kafka.SubscriberOptions{
			Group: w.Layout.Prefix + group, Lanes: 1, Grace: 100 * time.Millisecond,
		})
		return madePublisher{pub, w}, madeSubscriber{sub, w}
	}
	tests.TestPubSub(t, features, func(t *testing.T) (watermill.Publisher, watermill.Subscriber) {
		t.Helper()
		return grouped(t, "all")
	}, grouped)
}

// The suite expects topics to come by themselves.
func (w world) made(ctx context.Context, topic string) error {
	_, err := w.admin.CreateTopic(ctx, 1, 1, nil, topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return err
}

type madePublisher struct {
	watermill.Publisher
	w world
}

func (p madePublisher) Publish(topic string, messages ...*watermill.Message) error {
	if err := p.w.made(context.Background(), topic); err != nil {
		return err
	}
	return p.Publisher.Publish(topic, messages...)
}

type madeSubscriber struct {
	watermill.Subscriber
	w world
}

func (s madeSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *watermill.Message, error) {
	if err := s.w.made(ctx, topic); err != nil {
		return nil, err
	}
	return s.Subscriber.Subscribe(ctx, topic)
}
