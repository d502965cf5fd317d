package wire_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// Whatever stands on the log is an event, skipped, or a BadError. An event that
// can be written again is the same when it is read again.
func FuzzDecode(f *testing.F) {
	for _, file := range goldens(f) {
		headers, value := golden(f, file)
		f.Add(headers[wire.HeaderType], headers[wire.HeaderSource], value)
	}
	f.Fuzz(func(t *testing.T, eventType, source string, value []byte) {
		headers := map[string]string{
			wire.HeaderSpecVersion: "1.0", wire.HeaderID: "01950000-0000-7000-8000-000000000001",
			wire.HeaderType: eventType, wire.HeaderSource: source,
		}
		event := decoded(t, headers, value)
		if event == nil {
			return
		}
		m := message(event)
		again, err := wire.Encode(m)
		if err != nil {
			return // e.g. text that a log takes and a writer refuses
		}
		for _, h := range again.Headers {
			headers[h.Key] = string(h.Value)
		}
		if got := decoded(t, headers, again.Value); !reflect.DeepEqual(got, event) {
			t.Errorf("written and read again: got %+v, want %+v", got, event)
		}
	})
}

// Headers are a stranger's as much as the data.
func FuzzHeaders(f *testing.F) {
	for _, file := range goldens(f) {
		h, _ := golden(f, file)
		f.Add(h[wire.HeaderSpecVersion], h[wire.HeaderID], h[wire.HeaderType], h[wire.HeaderSource])
	}
	_, value := golden(f, filepath.Join("testdata", "file_added.golden"))
	f.Fuzz(func(t *testing.T, spec, id, eventType, source string) {
		headers := map[string]string{
			wire.HeaderSpecVersion: spec, wire.HeaderID: id, wire.HeaderType: eventType, wire.HeaderSource: source,
		}
		event := decoded(t, headers, value)
		named, ok := wire.SourceOf(headers)
		if e, is := event.(domain.FileChanged); is && (!ok || named != e.SourceID) {
			t.Errorf("got an event of source %s, its headers name %s", e.SourceID, named)
		}
		wire.IsSourceChanged(headers)
	})
}

func decoded(t *testing.T, headers map[string]string, value []byte) domain.Event {
	t.Helper()
	event, err := wire.Decode(headers, value)
	var bad *wire.BadError
	if err != nil && (!errors.As(err, &bad) || event != nil) {
		t.Fatalf("got event %v with error %v, want a BadError alone", event, err)
	}
	return event
}

func goldens(f *testing.F) []string {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.golden"))
	if err != nil || len(files) == 0 {
		f.Fatalf("got %d golden files, %v", len(files), err)
	}
	return files
}
