package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// about is what the headers say of an event besides its id and time.
type about struct {
	name     string
	subject  uuid.UUID
	source   domain.SourceID
	inRun    bool
	run, seq int64
}

// Encode gives the record of m. What it gives, [Decode] takes.
//
// It refuses an event that lacks what its change needs, text that is not UTF-8
// or holds NUL (the caller replaces it with domain.Clean), and with
// domain.ErrTooLarge data above MaxData or a cursor above domain.MaxCursor.
// Attributes that are nil become {}.
func Encode(m domain.Message) (Encoded, error) { return new(Encoder).Encode(m) }

// An Encoder encodes one message after the other, in memory that they share. The zero
// Encoder is ready for use, by one goroutine at a time.
type Encoder struct {
	space
	headers []Header
}

// Reset makes the memory free for further messages: what Encode has given until now
// is overwritten by them.
func (c *Encoder) Reset() { c.reset() }

// Encode is [Encode], but the Headers that it gives are good until the next call.
func (c *Encoder) Encode(m domain.Message) (Encoded, error) {
	event := m.Event
	a, err := describe(event)
	if err != nil {
		return Encoded{}, fmt.Errorf("wire: %w", err)
	}
	if m.ID == (domain.EventID{}) || m.Time.IsZero() {
		return Encoded{}, fmt.Errorf("wire: %s of source %s has no id or no time", a.name, a.source)
	}
	if problem := check(event); problem != "" {
		return Encoded{}, fmt.Errorf("wire: %s of source %s: %s", a.name, a.source, problem)
	}
	value, err := c.marshal(event)
	if err != nil {
		return Encoded{}, fmt.Errorf("wire: %s of source %s: %w", a.name, a.source, err)
	}
	return Encoded{Key: c.taken(appendUUID(c.roomFor(uuidLength), a.subject)), Headers: c.headersOf(m, a), Value: value}, nil
}

func describe(event domain.Event) (about, error) {
	switch e := event.(type) {
	case domain.SourceChanged:
		return about{nameSourceChanged, e.SourceID.UUID, e.SourceID, e.Change.InRun(), e.Run, e.Seq}, nil
	case domain.FileChanged:
		return about{nameFileChanged, e.FileID.UUID, e.SourceID, true, e.Run, e.Seq}, nil
	case domain.StageReported:
		return about{nameStageReported, e.FileID.UUID, e.SourceID, true, e.Run, e.Seq}, nil
	default:
		return about{}, fmt.Errorf("no wire form for %T", event)
	}
}

// eventType and dataSchema are what the headers say of a name, without putting
// it together for each event.
func (a about) eventType() (eventType, dataSchema string) {
	switch a.name {
	case nameFileChanged:
		return TypeFileChanged, schemaPrefix + TypeFileChanged + schemaSuffix
	case nameSourceChanged:
		return TypeSourceChanged, schemaPrefix + TypeSourceChanged + schemaSuffix
	default:
		return TypeStageReported, schemaPrefix + TypeStageReported + schemaSuffix
	}
}

// headersOf are those of m. Their texts stand in the room: there are many events, and
// texts of their own would cost as much as the JSON.
func (c *Encoder) headersOf(m domain.Message, a about) []Header {
	eventType, dataSchema := a.eventType()
	if c.headers == nil {
		c.headers = make([]Header, 0, mostHeaders)
	}
	w := headerWriter{all: c.headers[:0], text: c.roomFor(headersSize)}
	w.put(HeaderSpecVersion, append(w.text, specVersion...))
	w.put(HeaderID, appendUUID(w.text, m.ID.UUID))
	w.put(HeaderType, append(w.text, eventType...))
	w.put(HeaderSource, appendUUID(append(w.text, sourcePrefix...), a.source.UUID))
	w.put(HeaderSubject, appendUUID(w.text, a.subject))
	w.put(HeaderTime, m.Time.UTC().AppendFormat(w.text, time.RFC3339Nano))
	w.put(HeaderDataSchema, append(w.text, dataSchema...))
	w.put(HeaderContentType, append(w.text, contentType...))
	if m.Trace != "" {
		w.put(HeaderTrace, append(w.text, m.Trace...))
	}
	if a.inRun {
		w.put(HeaderRun, strconv.AppendInt(w.text, a.run, 10))
		w.put(HeaderSeq, strconv.AppendInt(w.text, a.seq, 10))
	}
	c.taken(w.text)
	c.headers = w.all
	return w.all
}

// mostHeaders is how many headers an event has at most.
const mostHeaders = 11

// headersSize is about what the texts of headers take together, in bytes.
const headersSize = 384

// A headerWriter writes one text behind the other.
type headerWriter struct {
	all  []Header
	text []byte
}

// put takes the text to which the value of a header was appended.
func (w *headerWriter) put(key string, text []byte) {
	w.all = append(w.all, Header{key, text[len(w.text):len(text):len(text)]})
	w.text = text
}

// marshal gives the JSON of an event, with < and & as they are.
func (c *Encoder) marshal(event domain.Event) ([]byte, error) {
	raw, err := rawJSON(event)
	if err != nil {
		return nil, err
	}
	value, err := c.json(event)
	if err != nil {
		return nil, err
	}
	if len(value) > MaxData {
		return nil, fmt.Errorf("data of %d bytes, allowed are %d: %w", len(value), MaxData, domain.ErrTooLarge)
	}
	text := scan(value)
	if problem := text.problem(); problem != "" {
		return nil, fmt.Errorf("data %s", problem)
	}
	if text.replaced > scan(raw).replaced { // the encoder writes a byte that is not UTF-8 as \ufffd
		return nil, fmt.Errorf("data %s", notUTF8)
	}
	return value, nil
}

func (c *Encoder) json(event domain.Event) ([]byte, error) {
	switch e := event.(type) {
	case domain.FileChanged:
		value, err := marshalFile(c.roomFor(fileSize), e)
		return c.taken(value), err
	case domain.StageReported:
		if e.Letter == nil {
			value, err := marshalStage(c.roomFor(stageSize), e)
			return c.taken(value), err
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(event)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// rawJSON gives the parts of an event that are JSON already, after looking at
// the size of the cursor.
func rawJSON(event domain.Event) ([]byte, error) {
	e, ok := event.(domain.SourceChanged)
	if !ok {
		return nil, nil
	}
	raw := bytes.Clone(e.Config)
	if e.Cursor == nil {
		return raw, nil
	}
	cursor, err := json.Marshal(e.Cursor)
	if err != nil {
		return nil, fmt.Errorf("cursor: %w", err)
	}
	if len(cursor) > domain.MaxCursor {
		return nil, fmt.Errorf("cursor of %d bytes, allowed are %d: %w", len(cursor), domain.MaxCursor, domain.ErrTooLarge)
	}
	return append(append(raw, e.Cursor.Start.Opaque...), e.Cursor.Resume.Opaque...), nil
}
