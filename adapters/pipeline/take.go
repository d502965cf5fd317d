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
	event, err := eventOf(msg)
	if err != nil {
		return Final(err)
	}
	switch event.(type) { // each has the room on the stack that it needs
	case domain.FileChanged:
		return d.takeFile(msg, event)
	case domain.SourceChanged:
		return d.takeSource(msg, event)
	default:
		return nil // I6
	}
}

// eventOf is the event of msg, which may have been decoded on the way.
func eventOf(msg *message.Message) (domain.Event, error) {
	if event := wire.EventIn(msg.Context()); event != nil {
		return event, nil
	}
	return wire.Decode(msg.Metadata, msg.Payload)
}

// takeFile hands on a FileChanged.
func (d *Dispatcher) takeFile(msg *message.Message, event domain.Event) error {
	var tried Tried
	for failed := 0; ; failed++ {
		one, err := d.handover(msg, event)
		if err != nil {
			return err
		}
		err = d.handOn(msg, one, &tried)
		if one[0].Replay == "" {
			return err
		}
		trouble := new(TroubleError)
		if !errors.As(err, &trouble) || !d.line.Rest(msg.Context(), failed, trouble) {
			return err
		}
		if tried.mayHave {
			msg.Metadata[wire.MetaRepeat] = "1"
		}
	}
}

// handOn hands one on, and sees to it that all know what became of it.
func (d *Dispatcher) handOn(msg *message.Message, one *handovers, tried *Tried) error {
	h := &one[0]
	outcome, left, err := d.alone(msg, one, tried)
	if err != nil || left {
		return err
	}
	tried.Note(msg)
	if outcome.State == domain.StageFailed {
		return Final(outcome.cause())
	}
	if h.Replay != "" { // what is new of the file does not wait for it
		err := d.line.Persist(msg.Context(), func(ctx context.Context) error { return d.putRight(ctx, msg, h) })
		if err != nil {
			return err
		}
	}
	return d.reportFile(msg, h, outcome, tried.Repeated)
}

// alone hands one on, unless it is left out, while nobody else does so with its file: what
// is new and what is handed on again come in different lanes. Of what is new it waits
// trouble out. Of what is handed on again trouble is an error, so that a newer state of
// the file need not wait for the neighbour to take an old one.
func (d *Dispatcher) alone(msg *message.Message, one *handovers, tried *Tried) (o Outcome, left bool, err error) {
	h := &one[0]
	ctx, file := msg.Context(), h.File.FileID
	if err := d.files.lock(ctx, file); err != nil {
		return o, false, err
	}
	defer d.files.unlock(file)
	if h.Replay != "" {
		if left, err = d.leftOut(ctx, msg, h); err != nil || left {
			return o, left, err
		}
	}
	o, err = d.outcome(ctx, one, tried)
	return o, false, err
}

// outcome hands one to the line. What is not of its source any more is not handed on.
func (d *Dispatcher) outcome(ctx context.Context, one *handovers, tried *Tried) (o Outcome, err error) {
	switch h := &one[0]; {
	case h.Source.Removed && h.File.Change != domain.FileRemoved:
		return Skipped(ReasonSourceGone), nil
	case h.Replay == "":
		o, *tried, err = d.line.Hand(ctx, one, false)
	default:
		o, *tried, err = d.line.Once(ctx, one, *tried)
	}
	return o, err
}

func (d *Dispatcher) reportFile(msg *message.Message, h *Handover, outcome Outcome, repeated bool) error {
	r := reportOnFile(&h.File, h.Replay)
	r.Repeated = repeated
	r.State, r.Items, r.Reason = outcome.State, outcome.Items, outcome.Reason
	return d.report(msg.Context(), msg, r)
}

// cause is why a failed item failed.
func (o Outcome) cause() error {
	if o.Err == nil {
		return errors.New("refused without a reason")
	}
	return o.Err
}

// handovers is one of them, as a stage without batches is given it.
type handovers [1]Handover

func (d *Dispatcher) handover(msg *message.Message, event domain.Event) (*handovers, error) {
	one := new(handovers)
	h := &one[0]
	h.Raw, h.Trace = msg.Payload, msg.Metadata[wire.HeaderTrace]
	h.Replay, h.Renews = msg.Metadata[wire.HeaderReplay], msg.Metadata[wire.HeaderRenews]
	h.File, _ = event.(domain.FileChanged) // it is one
	var err error
	if h.ID, h.Time, err = attributes(msg); err != nil {
		return nil, err
	}
	source, err := d.sources.find(msg.Context(), h.File.SourceID, h.File.OwnerID)
	if err != nil {
		return nil, err
	}
	h.Source = *source
	content := h.File.Content
	h.Open = func(ctx context.Context) (io.ReadCloser, error) {
		if content == nil {
			return nil, domain.ErrNoContent
		}
		r, err := d.Contents.Open(ctx, *content)
		return r, Own(err)
	}
	return one, nil
}

func attributes(msg *message.Message) (domain.EventID, time.Time, error) {
	id, err := uuid.Parse(msg.Metadata[wire.HeaderID])
	if err != nil {
		return domain.EventID{}, time.Time{}, Final(err)
	}
	at, _ := time.Parse(time.RFC3339, msg.Metadata[wire.HeaderTime]) // for people; zero: it has none
	return domain.EventID{UUID: id}, at.UTC(), nil
}

// takeSource hands on a SourceChanged.
func (d *Dispatcher) takeSource(msg *message.Message, event domain.Event) error {
	e, _ := event.(domain.SourceChanged) // it is one
	stage, ok := d.Stage.(SourceStage)
	if !ok {
		return nil
	}
	id, at, err := attributes(msg)
	if err != nil {
		return err
	}
	replay := msg.Metadata[wire.HeaderReplay]
	h := SourceHandover{ID: id, Time: at, Event: e, Replay: replay, Trace: msg.Metadata[wire.HeaderTrace]}
	err = d.line.Try(msg.Context(), replay != "", func(ctx context.Context) error { return stage.HandleSource(ctx, h) })
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
	r.Stage, r.At = d.Stage.Name(), d.Clock.Now()
	one := &report{Message: domain.Message{Time: r.At, Partition: int32(partition), Trace: msg.Metadata[wire.HeaderTrace], Event: r}}
	err = d.line.Persist(ctx, func(ctx context.Context) error { // one that was written twice says the same twice
		return d.reports.append(ctx, d.line.hard, one)
	})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	d.line.Observed(Observed{State: r.State, Items: r.Items, Again: r.Replay != ""})
	return nil
}
