package ingest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain/ingest"
)

// What a gateway sends beside the options stays with the source, through changes
// of it too; what may be a secret or a person does not come to the log (I7).
func TestMetadata(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	s := service(w, &provider{})
	req := request("")
	given := map[string]json.RawMessage{
		"team": []byte(`"search"`), "depth": []byte(`3`), "tags": []byte(`[ "a", "b" ]`), "link": []byte(`"https://example.org/r?page=2"`),
		"access_token": []byte(`"hush"`), "apiKey": []byte(`"hush"`), "nested": []byte(`{"password":"hush"}`), "clone": []byte(`"https://me:hush@example.org/r"`),
		"signed": []byte(`"https://example.org/r?access_token=hush"`), "owner": []byte(`"ada@example.org"`), "nul": []byte(`"a\u0000"`),
		"nothing": []byte(`null`), "long": []byte(`"` + strings.Repeat("x", 2000) + `"`), strings.Repeat("n", 101): []byte(`1`),
	}
	req.Metadata = given
	a, err := s.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"team": "search", "depth": "3", "tags": `["a","b"]`, "link": "https://example.org/r?page=2"}
	if diff := cmp.Diff(want, a.Source.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	for _, rec := range w.Log.Records(a.Source.ID) {
		raw, err := json.Marshal(rec.Event)
		if err != nil || strings.Contains(string(raw), "hush") || strings.Contains(string(raw), "ada@") {
			t.Errorf("got %v, or a secret on the log: %s", err, raw)
		}
	}
	name := "other"
	update := ingest.UpdateRequest{Owner: "alice", Source: a.Source.ID, Name: &name}
	if a, err = s.Update(t.Context(), update); err != nil || !cmp.Equal(want, a.Source.Metadata) {
		t.Errorf("got %v, %v after another name, want it kept", a.Source.Metadata, err)
	}
	update.Metadata = map[string]json.RawMessage{"team": []byte(`"infra"`)}
	if a, err = s.Update(t.Context(), update); err != nil || !cmp.Equal(map[string]string{"team": "infra"}, a.Source.Metadata) {
		t.Errorf("got %v, %v after a change, want the whole of it replaced", a.Source.Metadata, err)
	}
}
