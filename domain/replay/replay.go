package replay

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// ErrNotFound answers who names a replay that there is none of, or not theirs
// (I10).
var ErrNotFound = errors.New("no such replay")

// An ID names a replay. It is in the header ce_replay of what is handed out.
type ID struct{ uuid.UUID }

// ParseID reads what ID.String writes.
func ParseID(text string) (ID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return ID{}, &domain.InvalidError{Field: "id", Problem: "is no id", Allowed: "a UUID"}
	}
	return ID{id}, nil
}

// A Mode says which states of a file are handed out.
type Mode string

// The modes.
const (
	Latest  Mode = "latest"  // of each live file the last one
	History Mode = "history" // all of them that count, removals too, in their order
)

// A Status says how far a replay is.
type Status string

// The states of a replay.
const (
	Running   Status = "running" // or waiting for a process that runs it
	Paused    Status = "paused"
	Cancelled Status = "cancelled"
	Completed Status = "completed" // and the stages that ran meanwhile, in whatever process, are done with all of it
	Failed    Status = "failed"    // for good: the log no longer holds what it needs
)

// Ended reports whether nothing will happen any more.
func (s Status) Ended() bool { return s == Cancelled || s == Completed || s == Failed }

// A Selector says which events are meant. What is zero selects all.
type Selector struct {
	Sources      []domain.SourceID `json:"sources"`            // with a zero one in an order: all of the owner
	PathGlob     string            `json:"path_glob,omitzero"` // doublestar, against the path
	Kinds        []domain.FileKind `json:"kinds,omitempty"`
	Languages    []string          `json:"languages,omitempty"`
	ChangedSince time.Time         `json:"changed_since,omitzero"` // events that are not older
	From         time.Time         `json:"from,omitzero"`          // of the log: what came to stand there from this time on
	To           time.Time         `json:"to,omitzero"`            // and before this one
}

// An Order is what somebody wants to be handed out again.
type Order struct {
	Owner    domain.OwnerID `json:"-"`
	Selector Selector       `json:"selector"`
	Mode     Mode           `json:"mode"`
	Stages   []string       `json:"stages,omitempty"` // that get it; none, without a topic: all
	Topic    string         `json:"topic,omitempty"`  // instead of stages
	Rate     int            `json:"rate,omitempty"`   // events in a second at most; 0: no limit
	Dry      bool           `json:"dry,omitempty"`    // nothing is handed out, only counted
}

// A Replay is an order and what has become of it.
type Replay struct {
	ID ID
	Order
	Status    Status
	Progress  Progress
	Error     string // why it failed, or what it is waiting for to pass
	CreatedAt time.Time
	StartedAt time.Time // zero: not yet
	EndedAt   time.Time // zero: not yet
}

// A Progress is how far a replay has come. All below the marks is handed out.
type Progress struct {
	Marks       []Mark                    `json:"marks"` // nil: it has not begun
	Matched     int64                     `json:"matched"`
	Sent        int64                     `json:"sent"`         // as often as there are receivers
	Bytes       int64                     `json:"bytes"`        // of content, uncompressed
	ContentGone int64                     `json:"content_gone"` // of Matched, those whose content was collected
	Sources     map[domain.SourceID]Count `json:"sources,omitempty"`
	Samples     []Sample                  `json:"samples,omitempty"`
	Busy        time.Duration             `json:"busy"`             // how long it ran
	Ends        map[int32]int64           `json:"ends,omitempty"`   // by partition of the topic of replays: behind what was handed out
	Stages      []string                  `json:"stages,omitempty"` // that it was handed out to: those that it is for and that ran meanwhile
}

// A Mark is how far one partition is.
type Mark struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"` // where it began
	Next      int64 `json:"next"` // where it goes on
	End       int64 `json:"end"`  // where it ends
}

// A Count counts what was selected.
type Count struct {
	Events int64 `json:"events"`
	Bytes  int64 `json:"bytes"`
}

// A Sample is one of the first events that were selected.
type Sample struct {
	Source domain.SourceID   `json:"source"`
	File   domain.FileID     `json:"file"`
	Path   string            `json:"path"`
	Change domain.FileChange `json:"change"`
	At     domain.Revised    `json:"at"`
}

// Samples is how many of them a replay keeps.
const Samples = 10

// Scanned is the share of the log that was looked at, 0 to 1.
func (p Progress) Scanned() float64 {
	var done, all int64
	for _, m := range p.Marks {
		done, all = done+m.Next-m.From, all+m.End-m.From
	}
	if all == 0 {
		if p.Marks == nil {
			return 0
		}
		return 1
	}
	return float64(done) / float64(all)
}

// PerSecond is how many events were selected in a second, while it ran.
func (p Progress) PerSecond() float64 {
	if p.Busy <= 0 {
		return 0
	}
	return float64(p.Matched) / p.Busy.Seconds()
}

// Estimate is how long handing out so many events takes at least at the rate of
// the order: as long as it takes to find them, where that takes longer.
func (r Replay) Estimate() time.Duration {
	took := r.Progress.Busy
	if r.Rate > 0 {
		took = max(took, time.Duration(float64(r.Progress.Matched)/float64(r.Rate)*float64(time.Second)))
	}
	return took
}

// Left is how long it goes on as it did so far; 0: not known.
func (r Replay) Left() time.Duration {
	share := r.Progress.Scanned()
	if share == 0 || r.Status != Running {
		return 0
	}
	return time.Duration(float64(r.Progress.Busy) * (1 - share) / share)
}
