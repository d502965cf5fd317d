package forgetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"
)

// An Object is one of a provider's, as JSON.
type Object = map[string]any

// Recorded are objects of a provider as it has given them, by kind.
type Recorded map[string]json.RawMessage

// ReadRecorded reads a file of them.
func ReadRecorded(t testing.TB, text []byte) Recorded {
	t.Helper()
	var all Recorded
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// New is a fresh copy of one.
func (r Recorded) New(t testing.TB, kind string) Object {
	t.Helper()
	var o Object
	if err := json.Unmarshal(r[kind], &o); err != nil || o == nil {
		t.Fatalf("recorded object %q: %v", kind, err)
	}
	return o
}

// A Recorder is an answer before it is sent.
type Recorder struct {
	Header http.Header
	Status int
	Body   []byte
	Fault  *Fault // that this answer meets, for lists that are inside an object; nil: none
}

// Reply makes v the body.
func (rec *Recorder) Reply(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b, rec.Status = []byte(err.Error()), http.StatusInternalServerError
	}
	rec.Body = b
	rec.Header.Set("Content-Type", "application/json; charset=utf-8")
}

// Refuse makes v the body of another status than 200.
func (rec *Recorder) Refuse(status int, v any) {
	rec.Reply(v)
	rec.Status = status
}

// conditional makes it 304 for whoever has this answer already, or, with a stale
// tag, any answer.
func (rec *Recorder) conditional(r *http.Request, stale bool) {
	if r.Method != http.MethodGet || rec.Status != http.StatusOK {
		return
	}
	sum := sha256.Sum256(append([]byte(rec.Header.Get("Link")), rec.Body...))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	rec.Header.Set("ETag", tag)
	if given := r.Header.Get("If-None-Match"); given == tag || given != "" && stale {
		rec.Status, rec.Body = http.StatusNotModified, nil
	}
}

func (rec *Recorder) send(w http.ResponseWriter) {
	for name, values := range rec.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Status)
	_, _ = w.Write(rec.Body) // to a client that may be gone
}
