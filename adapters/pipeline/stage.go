package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A Stage hands changes on to one neighbour. It may be used concurrently, but
// never has two states of one file at the same time.
type Stage interface {
	// Name is the word under which outcomes are reported: "chunk". It is on the
	// log for good.
	Name() string
	// Limits bound one batch.
	Limits() Limits
	// Handle hands a batch on and tells what became of each item, in the order of
	// the batch. No two items are of one file. The batch is not to be changed.
	//
	// An error is about the batch as a whole. One that [IsFinal] makes the caller
	// ask again for smaller batches, until the guilty item is alone. Any other one
	// is the neighbour's trouble: the batch is handed in again later, whole or cut
	// in another way. [Later] says when; a [PartError] leaves out what is answered, of
	// a stage whose batches hold more than one. A panic counts as a final error.
	Handle(ctx context.Context, batch []Handover) ([]Outcome, error)
}

// A SourceStage is a [Stage] that also hands on what happens to sources.
type SourceStage interface {
	Stage
	// HandleSource hands one event on, alone: what went before it in its source
	// has been answered for, and what follows waits. Its error means what that of
	// Handle means.
	HandleSource(ctx context.Context, h SourceHandover) error
}

// Limits bound one batch. Zero is no bound.
type Limits struct {
	Items int           // in one batch
	Bytes int64         // of content, uncompressed, in one batch; a bigger item comes alone
	Wait  time.Duration // how long a batch that is not full waits for more; 0: DefaultWait
}

// DefaultWait is how long a batch waits for more items.
const DefaultWait = 20 * time.Millisecond

// A Handover is one change of one file on its way to a neighbour.
type Handover struct {
	ID     domain.EventID     // with Turn it makes the Idempotency-Key: KeyOf
	Time   time.Time          // of the event, UTC
	File   domain.FileChanged // what happened, with the whole state of the file
	Raw    []byte             // File as it stands on the log: JSON
	Source domain.Source      // that it is of, as far as it is known now; only ID and Owner are sure to be set
	Replay string             // id of the replay that hands it on again; empty: it is new
	Renews string             // id of the older event that the replay may have handed on behind this one, which is why it comes once more; empty: it is not
	Trace  string             // W3C traceparent; empty when there is none

	// Open gives the content, uncompressed. domain.ErrNoContent: the file has none
	// (removed, a link, a submodule). domain.ErrContentLost: it has been collected
	// or damaged; Skip with ReasonContentGone. Any other error is passing trouble.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Turn says which time h is handed on: empty when it is new, the same for all that a
// replay hands on, and one of its own for what it renews.
func (h Handover) Turn() string {
	if h.Renews == "" {
		return h.Replay
	}
	return h.Replay + " renews " + h.Renews
}

// Size is how many bytes of content come with h.
func (h Handover) Size() int64 {
	if h.File.Content == nil {
		return 0
	}
	return h.File.Content.Size
}

// A SourceHandover is one change of a source on its way to a neighbour.
type SourceHandover struct {
	ID     domain.EventID
	Time   time.Time
	Event  domain.SourceChanged
	Replay string
	Trace  string
}

// An Outcome is what became of one item. The zero one is done with no items.
type Outcome struct {
	State  domain.StageState
	Items  int64  // accepted by the neighbour: 1, or how many parts it made of it
	Reason string // skipped: why, one of the reasons or another word
	Err    error  // failed: what the neighbour said
}

// Reasons to skip.
const (
	ReasonNoContent   = "no_content"     // there are no bytes to hand on
	ReasonBinary      = "binary"         // it has no text
	ReasonNoWay       = "no_way"         // the neighbour has no way to be told this kind of change
	ReasonContentGone = "content_gone"   // the bytes were collected
	ReasonSuperseded  = "superseded"     // the stage has had a newer state
	ReasonSourceGone  = "source_gone"    // the source was removed meanwhile
	ReasonUnchanged   = "unchanged"      // the neighbour has these bytes already
	ReasonTooLarge    = "item_too_large" // beyond what the stage may hand on by its settings
)

// Done says that the neighbour accepted an item as so many of its own.
func Done(items int64) Outcome { return Outcome{State: domain.StageDone, Items: items} }

// Skipped says that there was nothing to hand on.
func Skipped(reason string) Outcome { return Outcome{State: domain.StageSkipped, Reason: reason} }

// Failed says that the neighbour will never accept an item: it becomes a dead
// letter.
func Failed(err error) Outcome { return Outcome{State: domain.StageFailed, Err: err} }

// ErrFinal is an answer that will be the same however often one asks.
var ErrFinal = errors.New("refused for good")

// Final makes err match [ErrFinal].
func Final(err error) error { return fmt.Errorf("%w: %w", ErrFinal, err) }

// IsFinal tells whether asking again is of no use.
func IsFinal(err error) bool { return errors.Is(err, ErrFinal) }

// A LaterError is trouble of a neighbour that said when to come back.
type LaterError struct {
	After time.Duration
	Err   error
}

func (e *LaterError) Error() string { return e.Err.Error() }

// Unwrap gives what the neighbour said.
func (e *LaterError) Unwrap() error { return e.Err }

// Later tells how long err asks to wait; 0: it does not say.
func Later(err error) time.Duration {
	if late := new(LaterError); errors.As(err, &late) {
		return late.After
	}
	return 0
}
