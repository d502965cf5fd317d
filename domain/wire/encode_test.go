package wire_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()

	opaque := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n) + `"`) }
	progressed := func(n int) domain.Event {
		return sourceChanged(domain.SourceSyncProgressed, func(e *domain.SourceChanged) {
			e.Cursor = &domain.Envelope{Phase: domain.PhaseListing, Epoch: 1, Resume: domain.Cursor{V: 1, Opaque: opaque(n)}}
		})
	}
	added := func(set func(*domain.FileChanged)) domain.Event { return fileChanged(domain.FileAdded, set) }
	config := func(text string) domain.Event {
		e := samples()["source_registered"].Event.(domain.SourceChanged)
		e.Config = json.RawMessage(text)
		return e
	}
	tests := map[string]struct {
		event domain.Event
		want  string // in the error; empty: it is taken
		is    error
	}{
		"data as large as allowed":   {event: added(func(e *domain.FileChanged) { e.Attributes["a"] = strings.Repeat("x", wire.MaxData-1200) })},
		"data too large":             {event: added(func(e *domain.FileChanged) { e.Attributes["a"] = strings.Repeat("x", wire.MaxData) }), want: "allowed are 256000", is: domain.ErrTooLarge},
		"cursor as large as allowed": {event: progressed(domain.MaxCursor - 300)},
		"cursor too large":           {event: progressed(domain.MaxCursor), want: "cursor of", is: domain.ErrTooLarge},
		"cursor that is not JSON": {event: sourceChanged(domain.SourceSyncProgressed, func(e *domain.SourceChanged) {
			e.Cursor = &domain.Envelope{Start: domain.Cursor{Opaque: json.RawMessage("{")}}
		}), want: "cursor"},
		"config that is not JSON":      {event: config(`{"a":`), want: "JSON"},
		"config that is no object":     {event: config(`["a"]`), want: "config"},
		"config with NUL":              {event: config(`{"a":"\u0000"}`), want: "NUL"},
		"config with a lone surrogate": {event: config(`{"a":"\ud83d"}`), want: "surrogate"},
		"config with bad UTF-8":        {event: config("{\"a\":\"\xff\"}"), want: "UTF-8"},
		"config with a written U+FFFD": {event: config(`{"a":"\ufffd","b":"\ud83d\ude00"}`)},
		"text that looks like escapes": {event: added(func(e *domain.FileChanged) { e.Path = `C:\u0000\ufffd\ud800\\u0000` })},
		"characters beyond the BMP":    {event: added(func(e *domain.FileChanged) { e.Path = "\U0001f600\u2028<&>\x01" })},
		"no source":                    {event: added(func(e *domain.FileChanged) { e.SourceID = domain.SourceID{} }), want: "source_id"},
		"no owner":                     {event: added(func(e *domain.FileChanged) { e.OwnerID = "" }), want: "owner_id"},
		"no file":                      {event: added(func(e *domain.FileChanged) { e.FileID = domain.FileID{} }), want: "file_id"},
		"no run":                       {event: added(func(e *domain.FileChanged) { e.RunID = domain.RunID{} }), want: "run_id"},
		"no path":                      {event: added(func(e *domain.FileChanged) { e.Path = "" }), want: "path"},
		"content without digest":       {event: added(func(e *domain.FileChanged) { e.Content = &domain.ClaimCheck{} }), want: "content"},
		"no partition":                 {event: sourceChanged(domain.SourceRegistered, func(e *domain.SourceChanged) { e.ExternalKey = "k" }), want: "partition"},
		"no version":                   {event: sourceChanged(domain.SourcePaused, func(*domain.SourceChanged) {}), want: "version"},
		"no job":                       {event: sourceChanged(domain.SourceSyncCancelled, func(*domain.SourceChanged) {}), want: "job_id"},
		"no hint":                      {event: sourceChanged(domain.SourceHintReceived, func(*domain.SourceChanged) {}), want: "hint"},
		"no seq":                       {event: sourceChanged(domain.SourceSyncCompleted, func(e *domain.SourceChanged) { e.Seq = 0 }), want: "seq"},
		"no time":                      {event: sourceChanged(domain.SourceSyncStarted, func(e *domain.SourceChanged) { e.At = time.Time{} }), want: "at"},
		"no stage":                     {event: domain.StageReported{SourceID: source, OwnerID: owner, FileID: file, Run: 1, Seq: 1, State: domain.StageDone, At: at}, want: "stage"},
		"no event":                     {want: "no wire form"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := wire.Encode(message(tt.event))
			if (err == nil) != (tt.want == "") {
				t.Fatalf("got error %v, want one with %q", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got error %v, want %v", err, tt.is)
			}
		})
	}
}

func TestEncodeNeedsIDAndTime(t *testing.T) {
	t.Parallel()

	for _, m := range []domain.Message{
		{ID: eventID, Event: samples()["file_added"].Event},
		{Time: at, Event: samples()["file_added"].Event},
	} {
		if _, err := wire.Encode(m); err == nil {
			t.Errorf("got no error for id %s at %s", m.ID, m.Time)
		}
	}
}

// What one Encoder gives is what Encode gives, and the next message leaves it as it is.
func TestEncoder(t *testing.T) {
	t.Parallel()

	var c wire.Encoder
	kept := map[string][]wire.Encoded{}
	for range 20 { // several rooms full
		for name, m := range samples() {
			got, err := c.Encode(m)
			if err != nil {
				t.Fatal(err)
			}
			got.Headers = slices.Clone(got.Headers)
			kept[name] = append(kept[name], got)
		}
	}
	for name, m := range samples() {
		want, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range kept[name] {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}

// A text of any length leaves the memory of all others as it is.
func TestEncoderLongTrace(t *testing.T) {
	t.Parallel()

	m := samples()["stage_done"]
	m.Trace = strings.Repeat("x", 500)
	want, err := wire.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	var c wire.Encoder
	var kept []wire.Encoded
	for range 500 {
		e, err := c.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		e.Headers = slices.Clone(e.Headers)
		kept = append(kept, e)
	}
	for i, got := range kept {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("message %d (-want +got):\n%s", i, diff)
		}
	}
}

// After Reset an Encoder gives what Encode gives, and sets nothing aside that it has already.
func TestEncoderReset(t *testing.T) {
	page := func(c *wire.Encoder, m domain.Message) (last wire.Encoded) {
		for range 200 { // several rooms full
			var err error
			if last, err = c.Encode(m); err != nil {
				t.Fatal(err)
			}
		}
		return last
	}
	all := samples()
	var c wire.Encoder
	for name, m := range all {
		want, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		c.Reset()
		if diff := cmp.Diff(want, page(&c, m)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", name, diff)
		}
	}
	m := all["file_added"]
	if n := testing.AllocsPerRun(10, func() { c.Reset(); page(&c, m) }); n != 0 {
		t.Errorf("got %g allocations for 200 events, want none", n)
	}
}

// Text is escaped wherever in it a byte stands that needs it.
func TestEscapes(t *testing.T) {
	t.Parallel()

	for c := range 256 {
		for at := range 20 {
			text := []byte("abcdefghijklmnopqrst")
			text[at] = byte(c)
			if !utf8.Valid(text) {
				continue
			}
			var w wire.JSON
			w.Text("", string(text))
			if got, want := string(w.B), jsonText(t, string(text)); got != want || w.Err != nil {
				t.Fatalf("got %s, %v, want %s", got, w.Err, want)
			}
		}
	}
}

// jsonText is what encoding/json makes of s, without escaping HTML.
func jsonText(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
