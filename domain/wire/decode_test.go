package wire_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// record is a sample as a consumer gets it.
func record(t *testing.T, m domain.Message) (map[string]string, []byte) {
	t.Helper()
	e, err := wire.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	for _, h := range e.Headers {
		headers[h.Key] = string(h.Value)
	}
	return headers, e.Value
}

// What is not a valid event is a *BadError, in plain words.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()

	header := func(key, value string) func(map[string]string, string) string {
		return func(headers map[string]string, data string) string {
			if headers[key] = value; value == "" {
				delete(headers, key)
			}
			return data
		}
	}
	data := func(old, new string) func(map[string]string, string) string {
		return func(_ map[string]string, data string) string {
			if !strings.Contains(data, old) {
				panic("no " + old + " in " + data)
			}
			return strings.Replace(data, old, new, 1)
		}
	}
	whole := func(text string) func(map[string]string, string) string {
		return func(map[string]string, string) string { return text }
	}
	tests := map[string]struct {
		change func(headers map[string]string, data string) string
		want   string
	}{
		"no type":                {change: header(wire.HeaderType, ""), want: "ce_type"},
		"a newer major":          {change: header(wire.HeaderType, "confuse.FileChanged.v2"), want: "major version 2"},
		"a type without version": {change: header(wire.HeaderType, "confuse.FileChanged"), want: "version"},
		"version zero":           {change: header(wire.HeaderType, "confuse.FileChanged.v0"), want: "version"},
		"a version of letters":   {change: header(wire.HeaderType, "confuse.FileChanged.vx"), want: "version"},
		"a minor of letters":     {change: header(wire.HeaderType, "confuse.FileChanged.v1.x"), want: "version"},
		"another CloudEvents":    {change: header(wire.HeaderSpecVersion, "0.3"), want: "ce_specversion"},
		"no id":                  {change: header(wire.HeaderID, ""), want: "ce_id"},
		"an id that is no UUID":  {change: header(wire.HeaderID, "7"), want: "ce_id"},
		"no source":              {change: header(wire.HeaderSource, ""), want: "ce_source"},
		"a foreign source":       {change: header(wire.HeaderSource, "https://example.org/x"), want: "ce_source"},
		"another source":         {change: header(wire.HeaderSource, "/sources/"+run.String()), want: "another source"},
		"no data":                {change: whole(""), want: "data"},
		"null":                   {change: whole("null"), want: "missing"},
		"an array":               {change: whole("[]"), want: "data"},
		"truncated":              {change: whole(`{"source_id":"0195`), want: "data"},
		"two values":             {change: whole("{} {}"), want: "data"},
		"not UTF-8":              {change: data("server.go", "\xff.go"), want: "UTF-8"},
		"NUL":                    {change: data("server.go", `\u0000`), want: "NUL"},
		"half a surrogate pair":  {change: data("server.go", `\ud83d.go`), want: "surrogate"},
		"the other half":         {change: data("server.go", `\ude00.go`), want: "surrogate"},
		"two first halves":       {change: data("server.go", `\ud83d\ud83d`), want: "surrogate"},
		"an id that is none":     {change: data(file.String(), "7"), want: "data"},
		"a zero id":              {change: data(file.String(), "00000000-0000-0000-0000-000000000000"), want: "file_id"},
		"a field missing":        {change: data(`"kind":"file",`, ""), want: "kind"},
		"a wrong type":           {change: data(`"seq":41`, `"seq":"41"`), want: "seq"},
		"a number that is none":  {change: data(`"seq":41`, `"seq":4.1`), want: "seq"},
		"a negative run":         {change: data(`"run":7`, `"run":-7`), want: "run"},
		"a digest cut short":     {change: data(`"sha256":"e3`, `"sha256":"e`), want: "digest"},
		"a raw path not base64":  {change: data(`"kind":"file",`, `"kind":"file","path_raw":"***",`), want: "data"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			headers, value := record(t, samples()["file_added"])
			event, err := wire.Decode(headers, []byte(tt.change(headers, string(value))))
			var bad *wire.BadError
			if !errors.As(err, &bad) || event != nil {
				t.Fatalf("got %v, error %v, want a *BadError", event, err)
			}
			if !strings.Contains(err.Error(), tt.want) || bad.Type != headers[wire.HeaderType] {
				t.Errorf("got %q of type %q, want it to name %q", err, bad.Type, tt.want)
			}
		})
	}
}

// What this version does not know, it skips (I6).
func TestDecodeSkips(t *testing.T) {
	t.Parallel()

	for _, eventType := range []string{
		"confuse.FileChanged.v1.1", "confuse.SourceChanged.v1.12", "confuse.OwnerChanged.v1", "confuse.FileChangedTwice.v1",
		"org.example.Thing", "FileChanged.v1",
	} {
		t.Run(eventType, func(t *testing.T) {
			t.Parallel()

			event, err := wire.Decode(map[string]string{wire.HeaderType: eventType}, []byte("what ever it is"))
			if event != nil || err != nil {
				t.Errorf("got %v, %v, want neither event nor error", event, err)
			}
		})
	}
}

// Values and fields that this version does not know are no error (I6): the fold
// ignores the former.
func TestDecodeUnknownValues(t *testing.T) {
	t.Parallel()

	replace := func(name string, pairs ...string) (domain.Event, error) {
		headers, value := record(t, samples()[name])
		return wire.Decode(headers, []byte(strings.NewReplacer(pairs...).Replace(string(value))))
	}
	event, err := replace("file_added", `"added"`, `"teleported"`, `"kind":"file"`, `"kind":"dream","mood":{"deep":[1]}`)
	if e, ok := event.(domain.FileChanged); err != nil || !ok || e.Change != "teleported" || e.Change.Known() || e.Kind != "dream" {
		t.Errorf("got %+v, %v, want the file event as it is", event, err)
	}
	event, err = replace("source_sync_requested", `"incremental"`, `"sideways"`)
	if e, ok := event.(domain.SourceChanged); err != nil || !ok || e.Mode != "sideways" || e.Mode.Known() {
		t.Errorf("got %+v, %v, want the request as it is", event, err)
	}
	event, err = replace("source_paused", `"paused"`, `"teleported"`, `"version":2`, `"speed":9`)
	if e, ok := event.(domain.SourceChanged); err != nil || !ok || e.Change != "teleported" {
		t.Fatalf("got %+v, %v, want the event as it is", event, err)
	}
	s, _ := domain.Source{}.Apply(samples()["source_registered"].Event.(domain.SourceChanged), 0)
	then, effect := s.Apply(event.(domain.SourceChanged), 1)
	if diff := cmp.Diff(s, then); diff != "" || effect.Counted {
		t.Errorf("the fold did not ignore it (-before +after):\n%s", diff)
	}
	event, err = replace("stage_done", `"done"`, `"dreamed"`)
	if e, ok := event.(domain.StageReported); err != nil || !ok || e.State != "dreamed" {
		t.Errorf("got %+v, %v, want the report as it is", event, err)
	}
}

func TestDecodeGivesAttributes(t *testing.T) {
	t.Parallel()

	headers, value := record(t, samples()["file_added"])
	value = []byte(strings.Replace(string(value), `,"attributes":{"mode":"0644","vendored":"true"}`, "", 1))
	event, err := wire.Decode(headers, value)
	if e, ok := event.(domain.FileChanged); err != nil || !ok || e.Attributes == nil {
		t.Errorf("got %+v, %v, want attributes that are not nil", event, err)
	}
}

// A source can be parked by headers alone, whatever its event says.
func TestSourceOf(t *testing.T) {
	t.Parallel()

	for value, want := range map[string]bool{
		"/sources/" + source.String(): true, "": false, "/sources/": false, "/sources/7": false, source.String(): false,
		"/sources/00000000-0000-0000-0000-000000000000": false,
	} {
		id, ok := wire.SourceOf(map[string]string{wire.HeaderSource: value})
		if ok != want || ok && id != source {
			t.Errorf("%q: got %s, %v, want %v", value, id, ok, want)
		}
	}
}

func TestIsSourceChanged(t *testing.T) {
	t.Parallel()

	got := map[string]bool{}
	want := map[string]bool{
		"confuse.SourceChanged.v1": true, "confuse.SourceChanged.v2": true, "confuse.SourceChanged.v1.3": true, "confuse.SourceChanged": true,
		"confuse.FileChanged.v1": false, "confuse.SourceChangedTwice.v1": false, "": false,
	}
	for eventType := range maps.Keys(want) {
		got[eventType] = wire.IsSourceChanged(map[string]string{wire.HeaderType: eventType})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("is a SourceChanged (-want +got):\n%s", diff)
	}
}
