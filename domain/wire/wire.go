package wire

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// MaxData is the most bytes that the data of one event may take. Longer things
// go to the content store, and the event carries a claim check.
const MaxData = 256_000

// The types of events, each with its major version.
const (
	TypeSourceChanged = "confuse.SourceChanged.v1"
	TypeFileChanged   = "confuse.FileChanged.v1"
	TypeStageReported = "confuse.StageReported.v1"
)

// The headers of a record. The names with ce_ are CloudEvents attributes;
// traceparent is W3C Trace Context.
const (
	HeaderSpecVersion = "ce_specversion" // always 1.0
	HeaderID          = "ce_id"          // the event id, a UUID
	HeaderType        = "ce_type"
	HeaderSource      = "ce_source"  // /sources/<source id>
	HeaderSubject     = "ce_subject" // file id, or source id for SourceChanged
	HeaderTime        = "ce_time"    // RFC 3339, UTC
	HeaderDataSchema  = "ce_dataschema"
	HeaderContentType = "content-type"
	HeaderTrace       = "traceparent" // only when known
	HeaderRun         = "ce_run"      // copy of run, only in a run
	HeaderSeq         = "ce_seq"      // copy of seq, only in a run
	HeaderReplay      = "ce_replay"   // id of the replay that hands the event on again
	HeaderRenews      = "renews"      // beside HeaderReplay: id of an older event of the same file that the replay may have handed on behind this one
	HeaderStage       = "stage"       // beside HeaderReplay: the only stage that is meant; on a dead letter: the one that refused it
)

// The headers of a dead letter, besides those of the event and HeaderStage.
const (
	HeaderOriginTopic     = "origin_topic"
	HeaderOriginPartition = "origin_partition"
	HeaderOriginOffset    = "origin_offset"
	HeaderError           = "error"         // what the neighbour said, at most 2 KiB
	HeaderAttempts        = "attempts"      // how often the neighbour was asked
	HeaderFirstFailure    = "first_failure" // RFC 3339, UTC
	HeaderLastFailure     = "last_failure"
	HeaderCorrelation     = "correlation_id" // the event that it follows from: its own id; of a chunk, the id of the event of its file
)

// Metadata of a message besides the headers of its record. Topic, partition and
// offset say where it stands; key and partition say where it is to go when it is
// published.
const (
	MetaTopic     = "kafka_topic"
	MetaPartition = "kafka_partition"
	MetaOffset    = "kafka_offset"
	MetaKey       = "kafka_key"
	MetaRepeat    = "kafka_repeat" // not empty: a process that has died, or a try without an answer, may have handed it on; nothing that is published has it
)

const (
	specVersion  = "1.0"
	contentType  = "application/json"
	sourcePrefix = "/sources/"
	schemaPrefix = "https://github.com/confuse/data-connector/blob/main/docs/schemas/"
	schemaSuffix = ".json"
)

// SchemaURI is what ce_dataschema says for a type, and the $id of its schema.
func SchemaURI(eventType string) string { return schemaPrefix + eventType + schemaSuffix }

// A Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// An Encoded is an event as a record: key, headers in a fixed order, value.
type Encoded struct {
	Key     []byte // text of the source id for SourceChanged, of the file id for the others
	Headers []Header
	Value   []byte
}

// A BadError says why a record is not a valid event. Such a record goes to
// poison; it never becomes valid by trying again.
type BadError struct {
	Type    string // ce_type; empty when there is none
	Problem string // in plain words, without values of the record
	Err     error  // what the JSON decoder said; nil when Problem says it all
}

func (e *BadError) Error() string {
	text := fmt.Sprintf("event of type %q: %s", e.Type, e.Problem)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the decoder's error.
func (e *BadError) Unwrap() error { return e.Err }

// SourceOf gives the source that a record belongs to, from its ce_source alone.
// It is how a source is parked whose event does not decode.
func SourceOf(headers map[string]string) (domain.SourceID, bool) {
	text, ok := strings.CutPrefix(headers[HeaderSource], sourcePrefix)
	if !ok {
		return domain.SourceID{}, false
	}
	id, err := uuid.Parse(text)
	if err != nil || id == uuid.Nil {
		return domain.SourceID{}, false
	}
	return domain.SourceID{UUID: id}, true
}

// IsSourceChanged reports whether a record says that it is a SourceChanged, of
// whatever version. One that does not decode parks its source: what follows it
// may mean something else without it.
func IsSourceChanged(headers map[string]string) bool {
	name, _, _, _ := parseType(headers[HeaderType])
	return name == nameSourceChanged
}
