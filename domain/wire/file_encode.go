package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// fileSize is about what the JSON of a FileChanged takes, in bytes.
const fileSize = 900

// A fileWriter writes the JSON of a FileChanged. Nearly all events are of this
// type, and encoding/json takes several times as long. It gives the same bytes:
// whoever adds a field adds it here, too, which a test demands.
type fileWriter struct {
	b   []byte
	err error // the first one
}

func marshalFile(e domain.FileChanged) ([]byte, error) {
	w := fileWriter{b: make([]byte, 0, fileSize)}
	w.id(`{"source_id":`, e.SourceID.UUID)
	w.text(`,"owner_id":`, string(e.OwnerID))
	w.id(`,"file_id":`, e.FileID.UUID)
	w.id(`,"job_id":`, e.JobID.UUID)
	w.number(`,"run":`, e.Run)
	w.id(`,"run_id":`, e.RunID.UUID)
	w.number(`,"seq":`, e.Seq)
	w.text(`,"change":`, string(e.Change))
	w.some(`,"old_path":`, e.OldPath)
	w.state(e.FileState)
	w.b = append(w.b, '}')
	return w.b, w.err
}

func (w *fileWriter) state(s domain.FileState) {
	w.some(`,"item_id":`, s.ItemID)
	w.text(`,"path":`, s.Path)
	if len(s.PathRaw) > 0 {
		w.b = append(w.b, `,"path_raw":"`...)
		w.b = append(base64.StdEncoding.AppendEncode(w.b, s.PathRaw), '"')
	}
	w.text(`,"kind":`, string(s.Kind))
	w.text(`,"revision":`, s.Revision)
	if s.Content != nil {
		w.content(*s.Content)
	}
	w.some(`,"language":`, s.Language)
	w.some(`,"media_type":`, s.MediaType)
	w.some(`,"web_url":`, s.WebURL)
	w.some(`,"author_ref":`, s.AuthorRef)
	if !s.ProviderTime.IsZero() {
		w.time(`,"provider_time":`, s.ProviderTime)
	}
	w.attributes(s.Attributes)
}

func (w *fileWriter) content(c domain.ClaimCheck) {
	w.b = append(w.b, `,"content":{"sha256":"`...)
	w.b = append(hex.AppendEncode(w.b, c.SHA256[:]), '"')
	w.number(`,"size":`, c.Size)
	w.text(`,"ref":{"pack":`, c.Ref.Pack)
	w.number(`,"offset":`, c.Ref.Offset)
	w.number(`,"length":`, c.Ref.Length)
	w.b = append(w.b, "}}"...)
}

func (w *fileWriter) attributes(all map[string]string) {
	w.b = append(w.b, `,"attributes":`...)
	begin := "{"
	if len(all) == 0 {
		w.b = append(w.b, begin...)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w.text(begin, name)
		w.text(":", all[name])
		begin = ","
	}
	w.b = append(w.b, '}')
}

func (w *fileWriter) id(before string, id uuid.UUID) {
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	w.b = append(append(w.b, before...), '"')
	w.b = append(append(w.b, text[:]...), '"')
}

func (w *fileWriter) number(before string, n int64) {
	w.b = strconv.AppendInt(append(w.b, before...), n, 10)
}

// some writes s unless it is empty.
func (w *fileWriter) some(before, s string) {
	if s != "" {
		w.text(before, s)
	}
}

// text leaves whatever needs an escape or is not ASCII to encoding/json.
func (w *fileWriter) text(before, s string) {
	w.b = append(w.b, before...)
	if isPlain(s) {
		w.b = append(append(append(w.b, '"'), s...), '"')
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil && w.err == nil {
		w.err = err
	}
	w.b = append(w.b, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// time refuses what encoding/json refuses: a year of five digits, say.
func (w *fileWriter) time(before string, t time.Time) {
	text, err := t.MarshalJSON()
	if err != nil && w.err == nil {
		w.err = err
	}
	w.b = append(append(w.b, before...), text...)
}

// isPlain reports whether the JSON of s is s in quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}
