package httpapi

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"
)

// A page of files is written without encoding/json, but exactly as that does it.
func TestFilesJSONIsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()

	every := fileReply{
		ID: "id", SourceID: "source", Path: "a<b>&\"\\\n\x01\u2028/\u00fc\U0001f600", PathRaw: []byte{0xff}, Kind: "file", Language: "C++", MediaType: "text/x",
		Size: math.MaxInt64, SHA256: "00", Revision: "r", WebURL: "https://example.com/?a=b&c", LastModified: time.Unix(1, 1).UTC(),
		ChangedAt: time.Unix(2, 0).In(time.FixedZone("", 5400)), IndexedAt: time.Unix(3, 3000).UTC(), Attributes: map[string]string{"b": "<", "a": "\xff", "": "\x7f"},
	}
	for i := range reflect.TypeFor[fileReply]().NumField() {
		if reflect.ValueOf(every).Field(i).IsZero() {
			t.Errorf("field %s is not set: a new one is to be written, too", reflect.TypeFor[fileReply]().Field(i).Name)
		}
	}
	if n := reflect.TypeFor[fileList]().NumField(); n != 3 {
		t.Errorf("got %d fields of a page, want 3: a new one is to be written, too", n)
	}
	for _, list := range []fileList{
		{}, {Files: []fileReply{}}, {Files: []fileReply{{}}, Total: -1}, {Files: []fileReply{every, {Attributes: map[string]string{}}, every}, Total: 7, Next: "n\u00e4xt"},
	} {
		if list.Files == nil {
			list.Files = []fileReply{} // as the schema has it: never null
		}
		sameJSON(t, list)
	}
	rapid.Check(t, func(t *rapid.T) {
		text, some := rapid.String(), rapid.SliceOfN(rapid.Byte(), 0, 9)
		sameJSON(t, fileList{Next: text.Draw(t, "next"), Files: []fileReply{{
			Path: string(some.Draw(t, "path")), Revision: text.Draw(t, "revision"), PathRaw: some.Draw(t, "raw"), Size: rapid.Int64().Draw(t, "size"),
			ChangedAt:  time.Unix(rapid.Int64Range(-1e11, 3e11).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
			Attributes: rapid.MapOf(text, text).Draw(t, "attributes"),
		}}})
	})
}

func sameJSON(t rapid.TB, list fileList) {
	t.Helper()
	var got, want bytes.Buffer
	err, bad := jsonFormat().Marshal(&got, list), huma.DefaultJSONFormat.Marshal(&want, list)
	if (err != nil) != (bad != nil) {
		t.Fatalf("got error %v, the standard library says %v", err, bad)
	}
	if err == nil && got.String() != want.String() {
		t.Errorf("got %s, want %s", &got, &want)
	}
}
