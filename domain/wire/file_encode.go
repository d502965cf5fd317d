package wire

import (
	"encoding/hex"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// fileSize is about what the JSON of a FileChanged takes, in bytes.
const fileSize = 896

// A fileWriter writes the JSON of a FileChanged. Nearly all events are of this
// type, and encoding/json takes several times as long. It gives the same bytes:
// whoever adds a field adds it here, too, which a test demands.
type fileWriter struct{ JSON }

func marshalFile(to []byte, e domain.FileChanged) ([]byte, error) {
	w := fileWriter{JSON{B: to}}
	w.id(`{"source_id":`, e.SourceID.UUID)
	w.Text(`,"owner_id":`, string(e.OwnerID))
	w.id(`,"file_id":`, e.FileID.UUID)
	w.id(`,"job_id":`, e.JobID.UUID)
	w.Number(`,"run":`, e.Run)
	w.id(`,"run_id":`, e.RunID.UUID)
	w.Number(`,"seq":`, e.Seq)
	w.Text(`,"change":`, string(e.Change))
	w.Some(`,"old_path":`, e.OldPath)
	w.state(e.FileState)
	w.B = append(w.B, '}')
	return w.B, w.Err
}

func (w *fileWriter) state(s domain.FileState) {
	w.Some(`,"item_id":`, s.ItemID)
	w.Text(`,"path":`, s.Path)
	if len(s.PathRaw) > 0 {
		w.Bytes(`,"path_raw":`, s.PathRaw)
	}
	w.Text(`,"kind":`, string(s.Kind))
	w.Text(`,"revision":`, s.Revision)
	if s.Content != nil {
		w.content(*s.Content)
	}
	w.Some(`,"language":`, s.Language)
	w.Some(`,"media_type":`, s.MediaType)
	w.Some(`,"web_url":`, s.WebURL)
	w.Some(`,"author_ref":`, s.AuthorRef)
	if !s.ProviderTime.IsZero() {
		w.Time(`,"provider_time":`, s.ProviderTime)
	}
	w.Texts(`,"attributes":`, s.Attributes)
}

func (w *fileWriter) content(c domain.ClaimCheck) {
	w.B = append(w.B, `,"content":{"sha256":"`...)
	w.B = append(hex.AppendEncode(w.B, c.SHA256[:]), '"')
	w.Number(`,"size":`, c.Size)
	w.Text(`,"ref":{"pack":`, c.Ref.Pack)
	w.Number(`,"offset":`, c.Ref.Offset)
	w.Number(`,"length":`, c.Ref.Length)
	w.Raw("}}")
}

func (w *fileWriter) id(before string, id uuid.UUID) {
	w.B = append(append(w.B, before...), '"')
	w.B = append(appendUUID(w.B, id), '"')
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
