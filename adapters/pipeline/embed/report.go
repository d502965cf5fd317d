package embed

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/chunk"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// source gives a source as the tables know it, which may be not at all.
func (c *Consumer) source(ctx context.Context, id domain.SourceID) (domain.Source, error) {
	source, err := c.Sources(ctx, id)
	if errors.Is(err, domain.ErrSourceNotFound) {
		return domain.Source{ID: id}, nil
	}
	return source, err
}

func partsOf(batch []*work) []domain.HandedPart {
	parts := make([]domain.HandedPart, len(batch))
	for n, w := range batch {
		parts[n] = w.part()
	}
	return parts
}

// accepted counts chunks that the graph has and reports their files. It does not
// give up before ctx ends: chunks that were accepted are not to be given again.
func (c *Consumer) accepted(ctx context.Context, batch []*work) error {
	parts := partsOf(batch)
	slices.SortFunc(parts, func(a, b domain.HandedPart) int { return slices.Compare(a.Item[:], b.Item[:]) })
	if err := c.line.Persist(ctx, func(ctx context.Context) error { return c.Items.Take(ctx, chunk.Name, parts) }); err != nil {
		return err
	}
	return c.line.Persist(ctx, func(ctx context.Context) error { return c.tell(ctx, batch) })
}

// tell reports the files of chunks: failed as long as one of the file's chunks is
// refused, whatever became of the others. Others may do the same for other chunks of
// a file: so it looks again behind each report, until what it has reported last is
// how things are. Whoever reports last of a file is then right.
func (c *Consumer) tell(ctx context.Context, batch []*work) error {
	items := make(map[uuid.UUID]*work)
	for _, w := range batch {
		items[w.item.ID] = w
	}
	told := make(map[uuid.UUID]string)
	for {
		all, err := c.Items.Parts(ctx, chunk.Name, slices.Collect(maps.Keys(items)))
		if err != nil {
			return err
		}
		var messages []domain.Message
		for id, w := range items {
			r := c.reportOf(w, all[id])
			if now := fmt.Sprint(r.State, all[id]); told[id] != now {
				told[id] = now
				m, err := messageOf(r, w.source.Partition)
				if err != nil {
					return err
				}
				messages = append(messages, m)
				c.line.Observed(pipeline.Observed{State: r.State, Items: r.Items, Again: w.again()})
			}
		}
		if len(messages) == 0 {
			return nil
		}
		if _, err := c.Reports.Append(ctx, messages...); err != nil {
			return err
		}
	}
}

// reportOf is what is to be told of the file of w. Its letter names the records of
// all chunks that were refused.
func (c *Consumer) reportOf(w *work, p domain.Parts) domain.StageReported {
	r := domain.StageReported{
		SourceID: w.item.SourceID, OwnerID: w.item.OwnerID, FileID: w.item.FileID, Stage: Name, Run: w.item.At.Run, Seq: w.item.At.Seq,
		State: domain.StageDone, Items: p.Accepted, At: c.Clock.Now(), Replay: w.msg.Metadata[wire.HeaderReplay],
	}
	if len(p.Refused) == 0 {
		return r
	}
	last := len(p.Refused) - 1
	letter := p.Refused[last].Letter
	for _, one := range p.Refused[:last] {
		letter.More = append(letter.More, one.Letter.Offset)
	}
	r.State, r.Items, r.Letter, r.Error = domain.StageFailed, 0, &letter, p.Refused[last].Error
	if last > 0 {
		r.Error = pipeline.Bounded(fmt.Sprintf("%d chunks were refused, the last one: %s", last+1, r.Error))
	}
	return r
}

func messageOf(r domain.StageReported, partition int32) (domain.Message, error) {
	id, err := domain.NewEventID()
	return domain.Message{ID: id, Time: r.At, Partition: partition, Event: r}, err
}

// letters is what the poison queue publishes to: it writes the dead letter of a
// chunk, then remembers it and reports the file. A crash in between repeats all of
// it: the first letter is then one that no report names.
type letters struct{ *Consumer }

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
	ctx := msg.Context()
	w := &work{msg: msg}
	known, err := l.owned(ctx, w)
	if err != nil {
		return err
	}
	dead := message.NewMessage(msg.UUID, msg.Payload)
	dead.Metadata = pipeline.LetterOf(msg, Name, l.Clock.Now())
	if known {
		dead.Metadata[wire.HeaderSubject], dead.Metadata[wire.MetaKey] = w.item.FileID.String(), w.item.FileID.String()
		dead.Metadata[wire.MetaPartition] = strconv.Itoa(int(w.source.Partition))
	}
	if err := l.Dead.Publish(topic, dead); err != nil {
		return err
	}
	l.Log.WarnContext(ctx, "dead letter", "stage", Name, "chunk", msg.UUID, "item", w.chunk.ItemID, "correlation", dead.Metadata[wire.HeaderCorrelation], "err", dead.Metadata[wire.HeaderError])
	if !known {
		l.line.Observed(pipeline.Observed{State: domain.StageFailed})
		return nil // no file to report of
	}
	refused := domain.RefusedPart{HandedPart: w.part(), Error: dead.Metadata[wire.HeaderError], Letter: *pipeline.Kept(dead)}
	if err := l.line.Persist(ctx, func(ctx context.Context) error { return l.Items.Refuse(ctx, chunk.Name, refused) }); err != nil {
		return err
	}
	return l.line.Persist(ctx, func(ctx context.Context) error { return l.tell(ctx, []*work{w}) })
}

// owned finds what belongs to a chunk; false: it is no chunk, or nothing does.
func (l letters) owned(ctx context.Context, w *work) (bool, error) {
	if w.decode() != nil {
		return false, nil
	}
	items, err := l.Items.Find(ctx, chunk.Name, []uuid.UUID{w.chunk.ItemID})
	if err != nil {
		return false, err
	}
	var ok bool
	if w.item, ok = items[w.chunk.ItemID]; !ok {
		return false, nil
	}
	w.source, err = l.source(ctx, w.item.SourceID)
	return w.source.Registered, err
}
