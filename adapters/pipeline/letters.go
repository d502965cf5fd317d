package pipeline

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// maxError is how many bytes of an error stand on the log.
const maxError = 2 << 10

// letters is what the poison queue publishes to: it writes the dead letter, then
// the report that says where it is. A crash between the two repeats both: the
// first letter is then one that no report names.
type letters struct{ *Dispatcher }

// Publish implements message.Publisher.
func (l letters) Publish(topic string, messages ...*message.Message) error {
	for _, msg := range messages {
		if err := l.bury(topic, msg); err != nil {
			return err
		}
	}
	return nil
}

// Close implements message.Publisher; the publisher below belongs to others.
func (l letters) Close() error { return nil }

func (l letters) bury(topic string, msg *message.Message) error {
	now := l.Clock.Now()
	dead := message.NewMessage(msg.UUID, msg.Payload)
	dead.Metadata = letterOf(msg, l.Stage.Name(), now)
	if err := l.Dead.Publish(topic, dead); err != nil {
		return err
	}
	l.Log.WarnContext(msg.Context(), "dead letter", "stage", l.Stage.Name(), "event", msg.UUID, "partition", dead.Metadata[wire.MetaPartition],
		"offset", dead.Metadata[wire.MetaOffset], "err", dead.Metadata[wire.HeaderError])
	event, err := wire.Decode(msg.Metadata, msg.Payload)
	e, ok := event.(domain.FileChanged)
	if err != nil || !ok {
		l.observe(Observed{State: domain.StageFailed})
		return nil // no file to report of
	}
	return l.report(msg.Context(), msg, domain.StageReported{
		SourceID: e.SourceID, OwnerID: e.OwnerID, FileID: e.FileID, Run: e.Run, Seq: e.Seq, Replay: msg.Metadata[wire.HeaderReplay],
		State: domain.StageFailed, Error: dead.Metadata[wire.HeaderError], Letter: kept(dead),
	})
}

// letterOf are the headers of a dead letter and where it is to go.
func letterOf(msg *message.Message, stage string, now time.Time) message.Metadata {
	meta := maps.Clone(msg.Metadata)
	for _, key := range []string{
		middleware.ReasonForPoisonedKey, middleware.PoisonedTopicKey, middleware.PoisonedHandlerKey, middleware.PoisonedSubscriberKey,
	} {
		delete(meta, key)
	}
	at := now.Format(time.RFC3339Nano)
	for key, value := range map[string]string{
		wire.HeaderStage:           stage,
		wire.HeaderOriginTopic:     msg.Metadata[wire.MetaTopic],
		wire.HeaderOriginPartition: msg.Metadata[wire.MetaPartition],
		wire.HeaderOriginOffset:    msg.Metadata[wire.MetaOffset],
		wire.HeaderError:           bounded(msg.Metadata[middleware.ReasonForPoisonedKey]),
		wire.HeaderLastFailure:     at,
	} {
		meta[key] = value
	}
	if meta[wire.HeaderAttempts] == "" {
		meta[wire.HeaderAttempts], meta[wire.HeaderFirstFailure] = "1", at
	}
	return meta
}

// kept says where a letter that was published is.
func kept(dead *message.Message) *domain.Letter {
	number := func(key string) int64 {
		n, _ := strconv.ParseInt(dead.Metadata[key], 10, 64) // the publisher wrote it
		return n
	}
	first, _ := time.Parse(time.RFC3339, dead.Metadata[wire.HeaderFirstFailure]) // letterOf wrote it
	return &domain.Letter{
		Offset: number(wire.MetaOffset), OriginTopic: dead.Metadata[wire.HeaderOriginTopic], OriginOffset: number(wire.HeaderOriginOffset),
		Attempts: int(number(wire.HeaderAttempts)), FirstFailure: first,
	}
}

// bounded is text that the log takes.
func bounded(s string) string {
	s = domain.Clean(s)
	if len(s) > maxError {
		s = strings.ToValidUTF8(s[:maxError], "")
	}
	return s
}
