package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// take hands on one message: message.NoPublishHandlerFunc.
func (d *Dispatcher) take(msg *message.Message) error {
	if stage := msg.Metadata[wire.HeaderStage]; stage != "" && stage != d.Stage.Name() {
		return nil
	}
	event, err := wire.Decode(msg.Metadata, msg.Payload)
	if err != nil {
		return Final(err)
	}
	switch e := event.(type) {
	case domain.FileChanged:
		return d.takeFile(msg, e)
	case domain.SourceChanged:
		return d.takeSource(msg, e)
	default:
		return nil // I6
	}
}

func (d *Dispatcher) takeFile(msg *message.Message, e domain.FileChanged) error {
	ctx := msg.Context()
	h, err := d.handover(msg, e)
	if err != nil {
		return err
	}
	// Never two states of a file at the same time: what is new and what is handed on
	// again come in different lanes.
	if err := d.files.lock(ctx, e.FileID); err != nil {
		return err
	}
	defer d.files.unlock(e.FileID)
	if h.Replay != "" {
		if left, err := d.leftOut(ctx, msg, h); err != nil || left {
			return err
		}
	}
	outcome := Skipped(ReasonSourceGone)
	if !h.Source.Removed || e.Change == domain.FileRemoved {
		var tried Tried
		if outcome, tried, err = d.line.Hand(ctx, h); err != nil {
			return err
		}
		tried.Note(msg)
	}
	if h.Replay != "" && outcome.State != domain.StageFailed {
		if err := d.putRight(ctx, msg, h); err != nil {
			return err
		}
	}
	if outcome.State == domain.StageFailed {
		return Final(outcome.cause())
	}
	r, _ := reportOn(e, h.Replay) // it is one
	r.State, r.Items, r.Reason = outcome.State, outcome.Items, outcome.Reason
	return d.report(ctx, msg, r)
}

// cause is why a failed item failed.
func (o Outcome) cause() error {
	if o.Err == nil {
		return errors.New("refused without a reason")
	}
	return o.Err
}

func (d *Dispatcher) handover(msg *message.Message, e domain.FileChanged) (Handover, error) {
	id, at, err := attributes(msg)
	if err != nil {
		return Handover{}, err
	}
	source, err := d.sources.find(msg.Context(), e.SourceID, e.OwnerID)
	if err != nil {
		return Handover{}, err
	}
	return Handover{
		ID: id, Time: at, File: e, Raw: msg.Payload, Source: source, Replay: msg.Metadata[wire.HeaderReplay], Trace: msg.Metadata[wire.HeaderTrace],
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			if e.Content == nil {
				return nil, domain.ErrNoContent
			}
			return d.Contents.Open(ctx, *e.Content)
		},
	}, nil
}

func attributes(msg *message.Message) (domain.EventID, time.Time, error) {
	id, err := uuid.Parse(msg.Metadata[wire.HeaderID])
	if err != nil {
		return domain.EventID{}, time.Time{}, Final(err)
	}
	at, _ := time.Parse(time.RFC3339, msg.Metadata[wire.HeaderTime]) // for people; zero: it has none
	return domain.EventID{UUID: id}, at.UTC(), nil
}

func (d *Dispatcher) takeSource(msg *message.Message, e domain.SourceChanged) error {
	stage, ok := d.Stage.(SourceStage)
	if !ok {
		return nil
	}
	id, at, err := attributes(msg)
	if err != nil {
		return err
	}
	h := SourceHandover{ID: id, Time: at, Event: e, Trace: msg.Metadata[wire.HeaderTrace]}
	err = d.line.Try(msg.Context(), func(ctx context.Context) error { return stage.HandleSource(ctx, h) })
	replay := msg.Metadata[wire.HeaderReplay]
	if err != nil || replay == "" {
		return err
	}
	r, _ := reportOn(e, replay) // it is one
	r.State, r.Items = domain.StageDone, 1
	return d.report(msg.Context(), msg, r) // of its dead letter there is something to take back
}

// report puts an outcome on the log. It is there before the message counts as
// done: a crash between the two repeats both.
func (d *Dispatcher) report(ctx context.Context, msg *message.Message, r domain.StageReported) error {
	partition, err := strconv.ParseInt(msg.Metadata[wire.MetaPartition], 10, 32)
	if err != nil {
		return Final(fmt.Errorf("partition of a message: %w", err))
	}
	id, err := domain.NewEventID()
	if err != nil {
		return err
	}
	r.Stage, r.At = d.Stage.Name(), d.Clock.Now()
	m := domain.Message{ID: id, Time: r.At, Partition: int32(partition), Trace: msg.Metadata[wire.HeaderTrace], Event: r}
	err = d.line.Persist(ctx, func(ctx context.Context) error { // one that was written twice says the same twice
		_, err := d.Reports.Append(ctx, m)
		return err
	})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	d.line.Observed(Observed{State: r.State, Items: r.Items, Again: r.Replay != ""})
	return nil
}
