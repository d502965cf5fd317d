package wire

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// fileSize is about what the JSON of a FileChanged takes, in bytes.
const fileSize = 896

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
	names := make([]string, 0, 8) // most files have fewer
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w.text(begin, name)
		w.text(":", all[name])
		begin = ","
	}
	w.b = append(w.b, '}')
}

func (w *fileWriter) id(before string, id uuid.UUID) {
	w.b = append(append(w.b, before...), '"')
	w.b = append(appendUUID(w.b, id), '"')
}

// uuidLength is the length of the text of a UUID.
const uuidLength = 36

func appendUUID(b []byte, id uuid.UUID) []byte {
	b = append(hex.AppendEncode(b, id[:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return hex.AppendEncode(b, id[10:])
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
	w.err = cmp.Or(w.err, enc.Encode(s))
	w.b = append(w.b, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// time refuses what encoding/json refuses: a year of five digits, say.
func (w *fileWriter) time(before string, t time.Time) {
	w.b = append(append(w.b, before...), '"')
	text, err := t.AppendText(w.b)
	if err != nil {
		w.err = cmp.Or(w.err, err)
		return
	}
	w.b = append(text, '"')
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
