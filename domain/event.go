package domain

import "time"

// An Event is a fact on the log: a [SourceChanged], a [FileChanged] or, on the
// pipeline topic, a [StageReported].
type Event interface{ isEvent() }

func (SourceChanged) isEvent() {}
func (FileChanged) isEvent()   {}
func (StageReported) isEvent() {}

// A Message is an event on its way to the log.
type Message struct {
	ID        EventID   // ce_id
	Time      time.Time // ce_time, UTC
	Partition int32     // the source's, chosen at registration and never changed
	Trace     string    // W3C traceparent; empty when there is none
	Event     Event
}

// A Record is an event as it stands on the log.
type Record struct {
	Topic    string
	Position Position
	Key      []byte
	Headers  map[string]string // CloudEvents attributes under their header names: ce_id, ce_type, ...
	Raw      []byte            // the value
	Event    Event             // nil with a nil Err: of a type or minor version that is skipped (I6)
	Err      error             // why Raw is not an event; such a record goes to poison
}

// A StageReported is what a dispatcher reports of one file and one stage of the
// pipeline. It stands on the pipeline topic, in the partition of its source.
type StageReported struct {
	SourceID SourceID   `json:"source_id"`
	OwnerID  OwnerID    `json:"owner_id"`
	FileID   FileID     `json:"file_id"`
	Stage    string     `json:"stage"` // "normalize", "chunk", "embed", "graph", "webhook", ...
	Run      int64      `json:"run"`   // with Seq: which state of the file was handed on
	Seq      int64      `json:"seq"`
	State    StageState `json:"state"`
	Items    int64      `json:"items"`              // accepted by the stage; 0 unless done
	Error    string     `json:"error,omitempty"`    // why it failed, bounded to 2 KiB, without content
	Reason   string     `json:"reason,omitempty"`   // why it was skipped, in one word
	Letter   *Letter    `json:"letter,omitempty"`   // failed: where it is kept
	At       time.Time  `json:"at"`                 // UTC
	Replay   string     `json:"replay,omitempty"`   // id of the replay that handed the file out again
	Repeated bool       `json:"repeated,omitempty"` // it was asked for again when no answer had come, so the neighbour may have it twice
}

// A StageState says how far a stage has come with a file.
type StageState string

// The states of a stage.
const (
	StageDone    StageState = "done"    // accepted by the neighbour
	StageSkipped StageState = "skipped" // nothing to hand on: no content, or no way to tell the neighbour
	StageFailed  StageState = "failed"  // refused for good; it is a dead letter

	StageDiscarded StageState = "discarded" // somebody decided that the dead letter needs no answer
)

// A Letter says where a dead letter is kept and how it came to be. Its partition
// is that of the report.
type Letter struct {
	Offset       int64     `json:"offset"`           // on the topic of dead letters, which forgets
	OriginTopic  string    `json:"origin_topic"`     // that it was handed on from
	OriginOffset int64     `json:"origin_offset"`    // of it there
	Attempts     int       `json:"attempts"`         // how often the neighbour was asked
	FirstFailure time.Time `json:"first_failure_at"` // UTC; the report tells when the last one was
	More         []int64   `json:"more,omitempty"`   // offsets of others, where parts of a file are handed on by themselves
}
