package kafka

import (
	"cmp"
	"strconv"
	"time"

	"github.com/confuse/data-connector/domain"
)

// DefaultPrefix starts the topic names unless the operator chose another prefix.
const DefaultPrefix = "dataconnector"

// DefaultPartitions is how many partitions topics are made with unless the
// operator says otherwise.
const DefaultPartitions = 12

// What is not the truth goes by time.
const (
	chunksTime = 3 * 24 * time.Hour
	replayTime = 3 * 24 * time.Hour
	deadTime   = 30 * 24 * time.Hour
)

// maxMessageBytes is what a topic has to take: the client fills batches up to
// 1,000,012 bytes before compression.
const maxMessageBytes = 1 << 20

// A Layout says which topics there are and how they are made. All have the same
// number of partitions, because what concerns a source is in the partition of
// the same number everywhere.
type Layout struct {
	Prefix     string // of the names; empty: DefaultPrefix
	Partitions int32  // of topics that are made; 0: DefaultPartitions. Those that exist may have more or less
	Replicas   int16  // of topics that are made; 0: the broker's default
	FilesState bool   // there is a topic of the last state of each file, compacted
	KeepAll    bool   // retention is unlimited on every topic: for a log whose cleaner would otherwise apply its default to all of them
}

// Events is the topic of SourceChanged and FileChanged: the truth.
func (l Layout) Events() string { return l.name("events") }

// Pipeline is the topic of StageReported.
func (l Layout) Pipeline() string { return l.name("pipeline") }

// Dead is the topic of what could not be handed out.
func (l Layout) Dead() string { return l.name("dead") }

// Replay is the topic of events that are handed out again.
func (l Layout) Replay() string { return l.name("replay") }

// Chunks is the topic of what the chunker pushes on.
func (l Layout) Chunks() string { return l.name("chunks") }

// States is the compacted topic of the last state of each file, if there is one.
func (l Layout) States() string { return l.name("files.state") }

// eventTopics are the names of the topics of events, put together once for all records.
type eventTopics struct{ events, pipeline string }

func (l Layout) eventTopics() eventTopics { return eventTopics{l.Events(), l.Pipeline()} }

// of is where e belongs.
func (t eventTopics) of(e domain.Event) string {
	if _, ok := e.(domain.StageReported); ok {
		return t.pipeline
	}
	return t.events
}

func (l Layout) name(what string) string { return cmp.Or(l.Prefix, DefaultPrefix) + "." + what + ".v1" }

func (l Layout) partitions() int32 { return cmp.Or(l.Partitions, DefaultPartitions) }

// replicas as Kafka wants it: -1 is the broker's default.
func (l Layout) replicas() int16 { return cmp.Or(l.Replicas, -1) }

// The settings that are made and checked.
const (
	setPartitions     = "partitions"
	setCleanup        = "cleanup.policy"
	setRetentionTime  = "retention.ms"
	setRetentionBytes = "retention.bytes"
	setMessageBytes   = "max.message.bytes"
	setInSync         = "min.insync.replicas"
)

const unlimited = "-1"

// A topic is one of the layout.
type topic struct {
	name string
	keep time.Duration // 0: for ever

	compact bool // of each key only the last record stays
}

func (l Layout) topics() []topic {
	topics := []topic{{name: l.Events()}, {name: l.Pipeline()}, {name: l.Dead(), keep: deadTime}, {name: l.Replay(), keep: replayTime}, {name: l.Chunks(), keep: chunksTime}}
	if l.FilesState {
		topics = append(topics, topic{name: l.States(), compact: true})
	}
	if l.KeepAll {
		for i := range topics {
			topics[i].keep = 0
		}
	}
	return topics
}

func (t topic) cleanup() string {
	if t.compact {
		return "compact"
	}
	return "delete"
}

// settings are what t is made with. Nothing is left to the defaults of the
// broker, which are made for logs that may forget.
func (t topic) settings(replicas int16) map[string]string {
	s := map[string]string{
		setCleanup:        t.cleanup(),
		setRetentionTime:  unlimited,
		setRetentionBytes: unlimited,
		setMessageBytes:   strconv.Itoa(maxMessageBytes),
	}
	if t.keep > 0 {
		s[setRetentionTime] = strconv.FormatInt(t.keep.Milliseconds(), 10)
	}
	if replicas > 0 {
		s[setInSync] = strconv.Itoa(inSync(int(replicas)))
	}
	return s
}

// inSync is how many replicas must have a record before it counts as written:
// one may be missing, but never all others.
func inSync(replicas int) int {
	if replicas >= 3 {
		return 2
	}
	return 1
}
