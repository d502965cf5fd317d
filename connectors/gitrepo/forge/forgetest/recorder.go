package forgetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
)

// An Object is one of a provider's, as JSON.
type Object = map[string]any

// A Recorder is an answer before it is sent.
type Recorder struct {
	Header http.Header
	Status int
	Body   []byte
}

// NewRecorder makes an empty answer with status 200.
func NewRecorder() *Recorder { return &Recorder{Header: http.Header{}, Status: http.StatusOK} }

// Reply makes v the body.
func (rec *Recorder) Reply(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b, rec.Status = []byte(err.Error()), http.StatusInternalServerError
	}
	rec.Body = b
	rec.Header.Set("Content-Type", "application/json; charset=utf-8")
}

// Conditional makes it 304 for whoever has this answer already.
func (rec *Recorder) Conditional(r *http.Request) {
	if r.Method != http.MethodGet || rec.Status != http.StatusOK {
		return
	}
	sum := sha256.Sum256(append([]byte(rec.Header.Get("Link")), rec.Body...))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	rec.Header.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		rec.Status, rec.Body = http.StatusNotModified, nil
	}
}

// Send sends it.
func (rec *Recorder) Send(w http.ResponseWriter) {
	for name, values := range rec.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Status)
	_, _ = w.Write(rec.Body) // to a client that may be gone
}

func (rec *Recorder) change(f Fault) {
	var items []Object
	if json.Unmarshal(rec.Body, &items) != nil {
		return // it is no list
	}
	if f.Shuffle {
		slices.Reverse(items)
	}
	if f.Halve {
		items = items[:len(items)/2]
	}
	rec.Reply(items)
}
