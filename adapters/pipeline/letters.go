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
	dead.Metadata = LetterOf(msg, l.Stage.Name(), now)
	if err := l.Dead.Publish(topic, dead); err != nil {
		return err
	}
	l.Log.WarnContext(msg.Context(), "dead letter", "stage", l.Stage.Name(), "event", msg.UUID, "correlation", msg.Metadata[wire.HeaderCorrelation], "partition", dead.Metadata[wire.MetaPartition],
		"offset", dead.Metadata[wire.MetaOffset], "err", dead.Metadata[wire.HeaderError])
	event, err := wire.Decode(msg.Metadata, msg.Payload)
	r, ok := reportOn(event, msg.Metadata[wire.HeaderReplay])
	if err != nil || !ok {
		l.line.Observed(Observed{State: domain.StageFailed})
		return nil // it is no event: nothing to report of
	}
	r.State, r.Error, r.Letter = domain.StageFailed, dead.Metadata[wire.HeaderError], Kept(dead)
	return l.report(msg.Context(), msg, r)
}

// reportOn is a report on an event, without what became of it. That of a source stands
// under the source's own id where others have that of a file: there is one letter of a
// source, the last one.
func reportOn(event domain.Event, replay string) (domain.StageReported, bool) {
	switch e := event.(type) {
	case domain.FileChanged:
		return reportOnFile(&e, replay), true
	case domain.SourceChanged:
		return domain.StageReported{SourceID: e.SourceID, OwnerID: e.OwnerID, FileID: domain.FileID{UUID: e.SourceID.UUID}, Replay: replay}, true
	default:
		return domain.StageReported{}, false
	}
}

func reportOnFile(e *domain.FileChanged, replay string) domain.StageReported {
	return domain.StageReported{SourceID: e.SourceID, OwnerID: e.OwnerID, FileID: e.FileID, Run: e.Run, Seq: e.Seq, Replay: replay}
}

// LetterOf are the headers of the dead letter of a message that the poison queue
// was given, and where it is to go.
func LetterOf(msg *message.Message, stage string, now time.Time) message.Metadata {
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
		wire.HeaderError:           Bounded(msg.Metadata[middleware.ReasonForPoisonedKey]),
		wire.HeaderLastFailure:     at,
	} {
		meta[key] = value
	}
	if meta[wire.HeaderAttempts] == "" {
		meta[wire.HeaderAttempts], meta[wire.HeaderFirstFailure] = "1", at
	}
	return meta
}

// Kept says where a dead letter that was published is.
func Kept(dead *message.Message) *domain.Letter {
	number := func(key string) int64 {
		n, _ := strconv.ParseInt(dead.Metadata[key], 10, 64) // the publisher wrote it
		return n
	}
	first, _ := time.Parse(time.RFC3339, dead.Metadata[wire.HeaderFirstFailure]) // LetterOf wrote it
	return &domain.Letter{
		Offset: number(wire.MetaOffset), OriginTopic: dead.Metadata[wire.HeaderOriginTopic], OriginOffset: number(wire.HeaderOriginOffset),
		Attempts: int(number(wire.HeaderAttempts)), FirstFailure: first,
	}
}

// Bounded is the text of an error as the log takes it.
func Bounded(s string) string {
	s = domain.Clean(s)
	if len(s) > maxError {
		s = strings.ToValidUTF8(s[:maxError], "")
	}
	return s
}
