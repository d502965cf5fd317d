package embed

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// maxError is how many bytes of an error stand on the log.
const maxError = 2 << 10

// done reports the files whose chunks were stored.
func (c *Consumer) done(ctx context.Context, batch []work) error {
	files := make(map[domain.FileID]*domain.StageReported)
	var messages []domain.Message
	for _, w := range batch {
		r, ok := files[w.item.FileID]
		if !ok {
			r = c.reportOf(w, domain.StageDone)
			files[w.item.FileID] = r
		}
		r.Items++
	}
	for _, w := range batch {
		r, ok := files[w.item.FileID]
		if !ok {
			continue
		}
		delete(files, w.item.FileID)
		m, err := messageOf(*r, w.source.Partition)
		if err != nil {
			return err
		}
		messages = append(messages, m)
		c.Observe(pipeline.Observed{Stage: Name, State: domain.StageDone, Items: r.Items, Again: w.again})
	}
	c.persist(ctx, func() error { _, err := c.Reports.Append(ctx, messages...); return err })
	return ctx.Err()
}

func (c *Consumer) reportOf(w work, state domain.StageState) *domain.StageReported {
	return &domain.StageReported{
		SourceID: w.item.SourceID, OwnerID: w.item.OwnerID, FileID: w.item.FileID, Stage: Name, Run: w.item.At.Run, Seq: w.item.At.Seq,
		State: state, At: c.Clock.Now(), Replay: w.msg.Metadata[wire.HeaderReplay],
	}
}

func messageOf(r domain.StageReported, partition int32) (domain.Message, error) {
	id, err := domain.NewEventID()
	return domain.Message{ID: id, Time: r.At, Partition: partition, Event: r}, err
}

// bury makes a dead letter of a chunk, then reports it: a crash between the two
// repeats both.
func (c *Consumer) bury(ctx context.Context, w work, cause error) error {
	now := c.Clock.Now()
	text := domain.Clean(cause.Error())
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "")
	}
	dead := message.NewMessage(w.msg.UUID, w.msg.Payload)
	dead.Metadata = message.Metadata{
		headerPush: pushEmbed, wire.HeaderSubject: w.item.FileID.String(), wire.HeaderStage: Name, wire.HeaderError: text, wire.HeaderAttempts: "1",
		wire.HeaderOriginTopic: w.msg.Metadata[wire.MetaTopic], wire.HeaderOriginPartition: w.msg.Metadata[wire.MetaPartition],
		wire.HeaderOriginOffset: w.msg.Metadata[wire.MetaOffset], wire.HeaderFirstFailure: now.Format(time.RFC3339Nano),
		wire.HeaderLastFailure: now.Format(time.RFC3339Nano), wire.MetaKey: w.item.FileID.String(),
		wire.MetaPartition: strconv.Itoa(int(w.source.Partition)),
	}
	if err := c.Dead.Publish(c.DeadTopic, dead); err != nil {
		return err
	}
	number := func(text string) int64 {
		n, _ := strconv.ParseInt(text, 10, 64) // a publisher wrote it
		return n
	}
	r := c.reportOf(w, domain.StageFailed)
	r.Error = text
	r.Letter = &domain.Letter{
		Offset: number(dead.Metadata[wire.MetaOffset]), OriginTopic: dead.Metadata[wire.HeaderOriginTopic],
		OriginOffset: number(dead.Metadata[wire.HeaderOriginOffset]), Attempts: 1, FirstFailure: now,
	}
	m, err := messageOf(*r, w.source.Partition)
	if err != nil {
		return err
	}
	c.Observe(pipeline.Observed{Stage: Name, State: domain.StageFailed, Again: w.again})
	_, err = c.Reports.Append(ctx, m)
	return err
}
