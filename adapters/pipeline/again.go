package pipeline

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// Again is what a dispatcher needs for what is handed on again. All fields down to
// Out are required.
//
// What is new and what is handed on again may be in the hands of different
// processes, which know nothing of each other. Neither takes back what the other
// has done, since a new state is handed on only once the tables hold it:
//
//   - A change that is older than what the tables hold of its file is left out. The
//     stage has been given the newer state as new, or will be.
//   - A change that is older once the stage has answered for it may have come
//     behind the newer state, so that is handed on once more.
//   - A change that a process may have had in hand when it died may have come
//     behind the newer state too, and is left out in the same way.
type Again struct {
	Feed
	// Last are the last states of files, removed ones too.
	Last     func(ctx context.Context, files []domain.FileID) (map[domain.FileID]projections.FilePlace, error)
	Messages Messages          // of the events topic
	Out      message.Publisher // to Topic

	// Cancelled tells whether a replay was cancelled; nil: none is.
	Cancelled func(ctx context.Context, replay string) (bool, error)
}

// last is the last state of a file that the tables hold now; false: none.
func (d *Dispatcher) last(ctx context.Context, file domain.FileID) (projections.FilePlace, bool, error) {
	return d.lasts.find(ctx, d.line.hard, file)
}

// leftOut tells whether a change of a replay is not handed on: there is a newer
// state of the file, which it would take back, or the replay was cancelled.
func (d *Dispatcher) leftOut(ctx context.Context, msg *message.Message, h *Handover) (bool, error) {
	last, ok, err := d.last(ctx, h.File.FileID)
	switch {
	case err != nil:
		return false, err
	case !ok || !h.File.Revised().Before(last.At):
		if h.Renews != "" { // what may have been taken back is put right, whatever becomes of the replay
			return false, nil
		}
		return d.replays.cancelled(ctx, h.Replay)
	case msg.Metadata[wire.MetaRepeat] == "":
		return true, nil
	}
	return true, d.renew(ctx, msg, last)
}

// putRight looks whether a newer state of a file may have overtaken the one of a
// replay that was handed on, and hands that on once more. A crash before it repeats
// the message, which leftOut sees to.
func (d *Dispatcher) putRight(ctx context.Context, msg *message.Message, h *Handover) error {
	last, ok, err := d.last(ctx, h.File.FileID)
	if err != nil || !ok || !h.File.Revised().Before(last.At) {
		return err
	}
	return d.renew(ctx, msg, last)
}

// renew hands the last state of a file on once more, to this stage alone, in the
// replay that msg belongs to: so it counts there, and what the file belongs to is not
// told again. It goes on when that is cancelled. However often a crash repeats this, it
// is the same turn: once that state is here, msg is not handed on any more.
func (d *Dispatcher) renew(ctx context.Context, msg *message.Message, last projections.FilePlace) error {
	partition, err := strconv.ParseInt(msg.Metadata[wire.MetaPartition], 10, 32)
	if err != nil {
		return Final(fmt.Errorf("partition of a message: %w", err))
	}
	events, err := d.Again.Messages(ctx, d.Live.Topic, int32(partition), []int64{last.Offset})
	if err != nil {
		return fmt.Errorf("last state of file %s: %w", last.ID, err)
	}
	event := events[last.Offset]
	if event == nil {
		return fmt.Errorf("last state of file %s at %d: %w", last.ID, last.Offset, domain.ErrLogLost)
	}
	again := againOf(event, d.Stage.Name(), msg.Metadata[wire.HeaderReplay])
	again.Metadata[wire.HeaderRenews] = msg.Metadata[wire.HeaderID]
	if err := d.Again.Out.Publish(d.Again.Topic, again); err != nil {
		return fmt.Errorf("last state of file %s: %w", last.ID, err)
	}
	return nil
}
