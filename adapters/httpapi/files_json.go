package httpapi

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// jsonFormat is how answers are written. A page of files, the longest answer that
// there is, is written field by field: encoding/json takes several times as long.
// The bytes are the same; whoever adds a field adds it here, too, which a test
// demands.
func jsonFormat() huma.Format {
	format := huma.DefaultJSONFormat
	format.Marshal = func(w io.Writer, v any) error {
		list, ok := v.(fileList)
		if !ok {
			return huma.DefaultJSONFormat.Marshal(w, v)
		}
		text := jsonWriter{b: make([]byte, 0, 256+len(list.Files)*fileSize)}
		text.list(list)
		if text.err != nil {
			return text.err
		}
		_, err := w.Write(append(text.b, '\n'))
		return err
	}
	return format
}

// fileSize is about what a file takes in an answer, in bytes.
const fileSize = 640

// A jsonWriter writes JSON as encoding/json does, without escaping HTML.
type jsonWriter struct {
	b   []byte
	err error // the first one
}

func (w *jsonWriter) list(l fileList) {
	w.b = append(w.b, `{"files":[`...)
	for i := range l.Files {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.file(&l.Files[i])
	}
	w.number(`],"total":`, l.Total)
	w.some(`,"next":`, l.Next)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) file(f *fileReply) {
	w.text(`{"id":`, f.ID)
	w.text(`,"sourceId":`, f.SourceID)
	w.text(`,"path":`, f.Path)
	if len(f.PathRaw) > 0 {
		w.b = append(w.b, `,"pathRaw":"`...)
		w.b = append(base64.StdEncoding.AppendEncode(w.b, f.PathRaw), '"')
	}
	w.text(`,"kind":`, f.Kind)
	w.some(`,"language":`, f.Language)
	w.some(`,"mediaType":`, f.MediaType)
	w.number(`,"size":`, f.Size)
	w.some(`,"sha256":`, f.SHA256)
	w.text(`,"revision":`, f.Revision)
	w.some(`,"webUrl":`, f.WebURL)
	if !f.LastModified.IsZero() {
		w.time(`,"lastModified":`, f.LastModified)
	}
	w.time(`,"changedAt":`, f.ChangedAt)
	if !f.IndexedAt.IsZero() {
		w.time(`,"indexedAt":`, f.IndexedAt)
	}
	w.texts(`,"attributes":`, f.Attributes)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) texts(before string, all map[string]string) {
	w.b = append(w.b, before...)
	if all == nil {
		w.b = append(w.b, "null"...)
		return
	}
	names := make([]string, 0, 8) // most files have fewer
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	w.b = append(w.b, '{')
	for i, name := range names {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.text("", name)
		w.text(":", all[name])
	}
	w.b = append(w.b, '}')
}

func (w *jsonWriter) number(before string, n int64) {
	w.b = strconv.AppendInt(append(w.b, before...), n, 10)
}

// some writes s unless it is empty.
func (w *jsonWriter) some(before, s string) {
	if s != "" {
		w.text(before, s)
	}
}

// text leaves whatever needs an escape or is not ASCII to encoding/json.
func (w *jsonWriter) text(before, s string) {
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

func (w *jsonWriter) time(before string, t time.Time) {
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
