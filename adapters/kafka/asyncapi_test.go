package kafka_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/docs"
)

// Topics are made as the published document says, and all that others may read is in it.
func TestTopicsAreAsPublished(t *testing.T) {
	t.Parallel()

	raw, err := docs.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Channels map[string]struct {
			Bindings struct {
				Kafka struct {
					Topic  string `json:"topic"`
					Config struct {
						Cleanup   []string    `json:"cleanup.policy"`
						Retention json.Number `json:"retention.ms"`
						Bytes     json.Number `json:"max.message.bytes"`
					} `json:"topicConfiguration"`
				} `json:"kafka"`
			} `json:"bindings"`
		} `json:"channels"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(t *testing.T, w world) {
		w.Layout.Prefix, w.Layout.FilesState = w.Layout.Prefix+".new", true
		if err := kafka.Ensure(t.Context(), w.Options); err != nil {
			t.Fatal(err)
		}
		want := map[string]map[string]string{"cleanup.policy": {}, "retention.ms": {}, "max.message.bytes": {}}
		for _, c := range document.Channels {
			b := c.Bindings.Kafka
			topic := strings.Replace(b.Topic, kafka.DefaultPrefix, w.Layout.Prefix, 1)
			want["cleanup.policy"][topic] = strings.Join(b.Config.Cleanup, ",")
			want["retention.ms"][topic], want["max.message.bytes"][topic] = b.Config.Retention.String(), b.Config.Bytes.String()
		}
		for _, topic := range []string{w.Layout.Events(), w.Layout.Pipeline(), w.Layout.States()} {
			if want["cleanup.policy"][topic] == "" {
				t.Errorf("topic %s is not published", topic)
			}
		}
		for key, topics := range want {
			if diff := cmp.Diff(topics, settings(t, w, key, topics)); diff != "" {
				t.Errorf("%s (-published +made):\n%s", key, diff)
			}
		}
	})
}
