package wire_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A FileChanged is written and read without encoding/json, but exactly as that
// would do it.
func TestFileJSONIsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()

	for name, set := range map[string]func(*domain.FileChanged){
		"every field": everyField,
		"bare": func(e *domain.FileChanged) {
			e.FileState = domain.FileState{Path: "a", Kind: "file", Attributes: map[string]string{}}
		},
		"no attributes":  func(e *domain.FileChanged) { e.Attributes = map[string]string{} },
		"escapes":        func(e *domain.FileChanged) { e.Path = "a\"b\\c\n\t\x01<&>\x7f" },
		"not ASCII":      func(e *domain.FileChanged) { e.Path = "gr\u00fc\u00dfe/\u2028\u2029/\U0001f600/\ufffd" },
		"attribute name": func(e *domain.FileChanged) { e.Attributes = map[string]string{"\"": "\\", "\u00e4": ""} },
		"local time": func(e *domain.FileChanged) {
			e.ProviderTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 5400))
		},
		"numbers": func(e *domain.FileChanged) { e.Run, e.Seq, e.Content.Size = 1<<62, 999_999_999_999_999_999, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			e := fileChanged(domain.FileAdded, set)
			got, err := wire.Encode(message(e))
			if err != nil {
				t.Fatal(err)
			}
			if want := plainJSON(t, e); string(got.Value) != want {
				t.Errorf("written: got %s, want %s", got.Value, want)
			}
			sameWhenRead(t, got.Value)
		})
	}
}

// What another hand wrote is read as encoding/json reads it, down to refusals.
func TestOddFileJSON(t *testing.T) {
	t.Parallel()

	plain := plainJSON(t, fileChanged(domain.FileRenamed, everyField))
	for _, change := range [][2]string{
		{`{`, `{ `}, {`"run":7`, `"run": 7`}, {`"run":7`, `"run":-7`}, {`"run":7`, `"run":07`}, {`"run":7`, `"run":7.0`},
		{`"run":7`, `"run":7000000000000000000`}, {`"run":7`, `"run":70000000000000000000`}, {`"run":7`, `"run":null`},
		{`"run":7`, `"run":7,"run":8`}, {`"run":7`, `"RUN":7`}, {`"run":7`, `"more":{"a":[1]},"run":7`}, {`"run":7,`, `"run":7`},
		{`"change":"renamed"`, `"change":"r\u0065named"`}, {`"change":"renamed"`, "\"change\":\"re\nnamed\""},
		{`"attributes":{`, `"attributes":{},"attributes":{`}, {`"attributes":{`, `"attributes":null,"more":{`},
		{`"content":{`, `"content":{"size":1},"content":{`}, {`"sha256":"e3`, `"sha256":"E3`}, {`"sha256":"e3`, `"sha256":"x3`},
		{`"file_id":"c0ffee00-1234-5678-9abc-000000000004"`, `"file_id":"c0ffee00123456789abc000000000004"`},
		{`"file_id":"c0ffee00-1234-5678-9abc-000000000004"`, `"file_id":"{c0ffee00-1234-5678-9abc-000000000004}"`},
		{`"file_id":"c0ffee00-1234-5678-9abc-000000000004"`, `"file_id":""`},
		{`"provider_time":"2`, `"provider_time":"x`},
	} {
		value := bytes.Replace([]byte(plain), []byte(change[0]), []byte(change[1]), 1)
		if string(value) == plain {
			t.Errorf("%s is not there to be changed", change[0])
		}
		sameWhenRead(t, value)
	}
	for cut := range len(plain) {
		sameWhenRead(t, []byte(plain[:cut]))
	}
	sameWhenRead(t, []byte(plain+" "))
	sameWhenRead(t, []byte(plain+"x"))
}

// A StageReported without a letter is written without encoding/json, too.
func TestStageJSONIsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()

	full := domain.StageReported{
		SourceID: domain.SourceID{UUID: uuid.New()}, OwnerID: "ann", FileID: domain.FileID{UUID: uuid.New()}, Stage: "webhook", Run: 3, Seq: 1 << 60,
		State: domain.StageFailed, Items: 2, Error: "a\"b\\c\n<&>\u2028", Reason: "gr\u00fcn", At: time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC),
		Letter: &domain.Letter{Offset: 1, OriginTopic: "t", FirstFailure: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, Replay: "r", Repeated: true,
	}
	for v, i := reflect.ValueOf(full), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("field %s is not set: a field that is added shows up here", v.Type().Field(i).Name)
		}
	}
	alone, bare := full, full
	alone.Letter = nil
	bare.Letter, bare.Error, bare.Reason, bare.Replay, bare.Items, bare.Repeated = nil, "", "", "", 0, false
	for name, e := range map[string]domain.StageReported{"full": full, "no letter": alone, "bare": bare} {
		got, err := wire.Encode(message(e))
		if err != nil {
			t.Fatal(err)
		}
		if want := plainJSON(t, e); string(got.Value) != want {
			t.Errorf("%s: got %s, want %s", name, got.Value, want)
		}
	}
}

// everyField sets whatever a FileChanged has: a field that is added to it shows
// up here.
func everyField(e *domain.FileChanged) {
	e.OldPath, e.ItemID, e.PathRaw = "old", "item", []byte{0xff, 'a'}
	e.WebURL, e.AuthorRef = "https://example.com/?a=b&c", "author"
	for _, v := range []reflect.Value{reflect.ValueOf(*e), reflect.ValueOf(e.FileState), reflect.ValueOf(*e.Content), reflect.ValueOf(e.Content.Ref)} {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Offset" {
				panic("field " + name + " is not set")
			}
		}
	}
}

func plainJSON(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// sameWhenRead reads value both ways. What Decode refuses on top of the JSON is
// not looked at.
func sameWhenRead(t *testing.T, value []byte) {
	t.Helper()
	headers, _ := golden(t, "testdata/file_added.golden")
	var want domain.FileChanged
	bad := json.Unmarshal(value, &want)
	if want.Attributes == nil {
		want.Attributes = map[string]string{}
	}
	got, err := wire.Decode(headers, value)
	switch {
	case bad != nil && err == nil:
		t.Errorf("%s was read, the standard library says: %v", value, bad)
	case err == nil && !reflect.DeepEqual(got, domain.Event(want)):
		t.Errorf("%s: got %+v, want %+v", value, got, want)
	}
}
