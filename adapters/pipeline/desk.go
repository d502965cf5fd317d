package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// deskPage is how many letters are settled at once.
const deskPage = 500

// Letters reads the table of dead letters: projections.Reader.
type Letters interface {
	ListLetters(ctx context.Context, owner domain.OwnerID, p projections.LetterPage) ([]projections.LetterRow, *projections.LetterKey, error)
	GetLetter(ctx context.Context, owner domain.OwnerID, key projections.LetterKey) (projections.LetterRow, error)
}

// Messages reads messages by their offsets; those that a topic no longer holds
// are not in the map.
type Messages func(ctx context.Context, topic string, partition int32, offsets []int64) (map[int64]*message.Message, error)

// A Desk is where people settle dead letters. It may be used concurrently. What it
// changes is on the log, so it outlives the tables; an owner's letters are
// another one's unknown ones (I10).
type Desk struct {
	Letters  Letters
	Messages Messages
	Dead     string            // the topic of dead letters
	Again    message.Publisher // of what is handed on again
	Topic    string            // where it goes
	Reports  domain.Log
	Clock    domain.Clock

	// Discarded is told which letters were discarded, once that is on the log; nil:
	// nobody is.
	Discarded func(ctx context.Context, row projections.LetterRow) error
}

// Show gives a letter with the event that was refused, the last one where the parts
// of a file are handed on by themselves. The event is nil when no topic holds it
// any more. projections.ErrNotLetter: there is no such letter.
func (d *Desk) Show(ctx context.Context, owner domain.OwnerID, key projections.LetterKey) (projections.LetterRow, map[string]string, []byte, error) {
	row, err := d.Letters.GetLetter(ctx, owner, key)
	if err != nil {
		return row, nil, nil, err
	}
	found, err := d.find(ctx, []projections.LetterRow{row})
	if err != nil || len(found[key]) == 0 {
		return row, nil, nil, err
	}
	return row, headersOf(found[key][0]), found[key][0].Payload, nil
}

// Retry hands the letters of a page's selection on again, whatever its place and
// limit, each to the stage that refused it. They stay where they are until that
// stage has answered. gone are those that no topic holds any more.
//
// A crash half-way leaves the rest as it was. Letters that are retried twice are
// handed on twice.
func (d *Desk) Retry(ctx context.Context, owner domain.OwnerID, selection projections.LetterPage) (retried, gone int64, err error) {
	replay := uuid.NewString()
	err = d.each(ctx, owner, selection, func(rows []projections.LetterRow) error {
		found, err := d.find(ctx, rows)
		if err != nil {
			return err
		}
		var again []*message.Message
		for _, row := range rows {
			for _, m := range found[row.LetterKey] {
				again = append(again, againOf(m, row.Stage, replay))
			}
		}
		if err := d.Again.Publish(d.Topic, again...); err != nil {
			return err
		}
		retried += int64(len(found))
		gone += int64(len(rows) - len(found))
		return nil
	})
	return retried, gone, err
}

// againOf is m as one stage is to have it again.
func againOf(m *message.Message, stage, replay string) *message.Message {
	again := message.NewMessage(m.UUID, m.Payload)
	again.Metadata = message.Metadata(headersOf(m))
	again.Metadata[wire.HeaderStage], again.Metadata[wire.HeaderReplay] = stage, replay
	for _, key := range []string{wire.MetaKey, wire.MetaPartition} {
		again.Metadata[key] = m.Metadata[key]
	}
	if event := m.Metadata[wire.HeaderCorrelation]; event != "" {
		again.Metadata[wire.HeaderCorrelation] = event
	}
	return again
}

// headersOf are those of the event itself.
func headersOf(m *message.Message) map[string]string {
	headers := maps.Clone(map[string]string(m.Metadata))
	for _, key := range []string{
		wire.HeaderStage, wire.HeaderRenews, wire.HeaderOriginTopic, wire.HeaderOriginPartition, wire.HeaderOriginOffset, wire.HeaderError, wire.HeaderAttempts,
		wire.HeaderFirstFailure, wire.HeaderLastFailure, wire.MetaTopic, wire.MetaPartition, wire.MetaOffset, wire.MetaKey, wire.MetaRepeat, wire.HeaderCorrelation,
	} {
		delete(headers, key)
	}
	return headers
}

// Discard decides that the letters of a page's selection need no answer. A later
// state of their files is handed on as ever.
func (d *Desk) Discard(ctx context.Context, owner domain.OwnerID, selection projections.LetterPage) (discarded int64, err error) {
	err = d.each(ctx, owner, selection, func(rows []projections.LetterRow) error {
		messages := make([]domain.Message, len(rows))
		now := d.Clock.Now()
		for i, row := range rows {
			id, err := domain.NewEventID()
			if err != nil {
				return err
			}
			messages[i] = domain.Message{ID: id, Time: now, Partition: row.Partition, Event: domain.StageReported{
				SourceID: row.SourceID, OwnerID: row.Owner, FileID: row.File, Stage: row.Stage, Run: row.At.Run, Seq: row.At.Seq,
				State: domain.StageDiscarded, Error: row.Error, At: now,
			}}
		}
		if _, err := d.Reports.Append(ctx, messages...); err != nil {
			return err
		}
		// A crash right before this line leaves them in what a later part of their file
		// reports; they are discarded once more then.
		for _, row := range rows {
			if d.Discarded == nil {
				break
			}
			if err := d.Discarded(ctx, row); err != nil {
				return err
			}
		}
		discarded += int64(len(rows))
		return nil
	})
	return discarded, err
}

// each goes through the letters of a selection page by page.
func (d *Desk) each(ctx context.Context, owner domain.OwnerID, p projections.LetterPage, settle func([]projections.LetterRow) error) error {
	p.Limit, p.After = deskPage, projections.LetterKey{}
	for {
		rows, next, err := d.Letters.ListLetters(ctx, owner, p)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			if err := settle(rows); err != nil {
				return fmt.Errorf("pipeline: dead letters: %w", err)
			}
		}
		if next == nil {
			return nil
		}
		p.After = *next
	}
}

// A shelf is a partition of a topic that letters lie in.
type shelf struct {
	topic     string
	partition int32
}

// find reads the events of letters: from the topic of dead letters, and what that
// has forgotten from where it came.
func (d *Desk) find(ctx context.Context, rows []projections.LetterRow) (map[projections.LetterKey][]*message.Message, error) {
	found := make(map[projections.LetterKey][]*message.Message, len(rows))
	for _, place := range []func(projections.LetterRow) (shelf, []int64){
		func(r projections.LetterRow) (shelf, []int64) {
			return shelf{d.Dead, r.Partition}, append([]int64{r.Letter.Offset}, r.Letter.More...)
		},
		func(r projections.LetterRow) (shelf, []int64) {
			return shelf{r.Letter.OriginTopic, r.Partition}, []int64{r.Letter.OriginOffset}
		},
	} {
		missing := slices.DeleteFunc(slices.Clone(rows), func(r projections.LetterRow) bool { return r.Letter == nil || found[r.LetterKey] != nil })
		if err := d.findAt(ctx, missing, place, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// findAt looks for the events of rows in one place of each.
func (d *Desk) findAt(ctx context.Context, rows []projections.LetterRow, place func(projections.LetterRow) (shelf, []int64),
	found map[projections.LetterKey][]*message.Message,
) error {
	shelves := make(map[shelf][]int64)
	for _, r := range rows {
		at, offsets := place(r)
		shelves[at] = append(shelves[at], offsets...)
	}
	held := make(map[shelf]map[int64]*message.Message, len(shelves))
	for at, offsets := range shelves {
		var err error
		if held[at], err = d.Messages(ctx, at.topic, at.partition, offsets); err != nil {
			return err
		}
	}
	for _, r := range rows {
		at, offsets := place(r)
		for _, offset := range offsets {
			if m := held[at][offset]; m != nil && isOf(m, r) {
				found[r.LetterKey] = append(found[r.LetterKey], m)
			}
		}
	}
	return nil
}

// isOf guards against a topic that was made anew.
func isOf(m *message.Message, r projections.LetterRow) bool {
	return m.Metadata[wire.HeaderSubject] == r.File.String()
}
