package httpapi

import (
	"io"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain/wire"
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
		text := filesWriter{wire.JSON{B: make([]byte, 0, 256+len(list.Files)*fileSize)}}
		text.list(list)
		if text.Err != nil {
			return text.Err
		}
		_, err := w.Write(append(text.B, '\n'))
		return err
	}
	return format
}

// fileSize is about what a file takes in an answer, in bytes.
const fileSize = 640

// A filesWriter writes pages of files.
type filesWriter struct{ wire.JSON }

func (w *filesWriter) list(l fileList) {
	w.Raw(`{"files":[`)
	for i := range l.Files {
		if i > 0 {
			w.B = append(w.B, ',')
		}
		w.file(&l.Files[i])
	}
	w.Number(`],"total":`, l.Total)
	w.Some(`,"next":`, l.Next)
	w.B = append(w.B, '}')
}

func (w *filesWriter) file(f *fileReply) {
	w.Text(`{"id":`, f.ID)
	w.Text(`,"sourceId":`, f.SourceID)
	w.Text(`,"path":`, f.Path)
	if len(f.PathRaw) > 0 {
		w.Bytes(`,"pathRaw":`, f.PathRaw)
	}
	w.Text(`,"kind":`, f.Kind)
	w.Some(`,"language":`, f.Language)
	w.Some(`,"mediaType":`, f.MediaType)
	w.Number(`,"size":`, f.Size)
	w.Some(`,"sha256":`, f.SHA256)
	w.Text(`,"revision":`, f.Revision)
	w.Some(`,"webUrl":`, f.WebURL)
	if !f.LastModified.IsZero() {
		w.Time(`,"lastModified":`, f.LastModified)
	}
	w.Time(`,"changedAt":`, f.ChangedAt)
	if !f.IndexedAt.IsZero() {
		w.Time(`,"indexedAt":`, f.IndexedAt)
	}
	if f.Attributes == nil {
		w.Raw(`,"attributes":null`)
	} else {
		w.Texts(`,"attributes":`, f.Attributes)
	}
	w.B = append(w.B, '}')
}
