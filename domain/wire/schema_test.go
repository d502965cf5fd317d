package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/confuse/data-connector/docs"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

const (
	draft7     = "http://json-schema.org/draft-07/schema#" // what AsyncAPI tools read
	schemaDir  = "../../docs/schemas"
	skipValues = "Readers skip values they do not know: later versions add some."
)

// events are the types of events with a value of their Go type.
func events() map[string]any {
	return map[string]any{
		wire.TypeSourceChanged: domain.SourceChanged{},
		wire.TypeFileChanged:   domain.FileChanged{},
		wire.TypeStageReported: domain.StageReported{},
	}
}

// The committed schemas are those of the Go types. With -update they are written
// anew, unless that would break a reader or an event that is on a log.
func TestSchemas(t *testing.T) {
	t.Parallel()

	for name, event := range events() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			file := filepath.Join(schemaDir, name+".json")
			got := schemaOf(t, name, event)
			want, err := os.ReadFile(file)
			if err != nil && (!errors.Is(err, fs.ErrNotExist) || !*update) {
				t.Fatal(err)
			}
			if err == nil {
				for _, problem := range incompatible(parsed(t, want), parsed(t, got)) {
					t.Errorf("%s: %s; a new meaning is a new field, a new value or a new version", name, problem)
				}
			}
			if *update && !t.Failed() {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s is not the schema of the Go type; go test ./domain/wire -update writes it (-want +got):\n%s", file, diff)
			}
		})
	}
}

// Every event that was ever recorded is valid by the schema of its type.
func TestGoldenIsValid(t *testing.T) {
	t.Parallel()

	schemas := map[string]*validator.Schema{}
	for name, event := range events() {
		schemas[name] = compiled(t, schemaOf(t, name, event))
	}
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d golden files, %v", len(files), err)
	}
	for _, file := range files {
		headers, value := golden(t, file)
		data, err := validator.UnmarshalJSON(bytes.NewReader(value))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemas[headers[wire.HeaderType]].Validate(data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if headers[wire.HeaderDataSchema] != wire.SchemaURI(headers[wire.HeaderType]) {
			t.Errorf("%s: got schema %s of type %s", file, headers[wire.HeaderDataSchema], headers[wire.HeaderType])
		}
	}
}

// A schema that accepts anything would prove nothing.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()

	schema := compiled(t, schemaOf(t, wire.TypeFileChanged, domain.FileChanged{}))
	_, value := golden(t, "testdata/file_added.golden")
	for what, change := range map[string][2]string{
		"a field missing":     {`"path":"src/net/http/server.go",`, ``},
		"a wrong type":        {`"seq":41`, `"seq":"41"`},
		"an id that is none":  {file.String(), "7"},
		"a short digest":      {`"sha256":"e3`, `"sha256":"e`},
		"an unknown change":   {`"added"`, `"teleported"`},
		"no attributes":       {`"attributes":{"mode":"0644","vendored":"true"}`, `"attributes":null`},
		"a time that is none": {at.Format("2006-01-02") + "T08", "yesterday"},
	} {
		spoilt := strings.Replace(string(value), change[0], change[1], 1)
		data, err := validator.UnmarshalJSON(strings.NewReader(spoilt))
		if err != nil || spoilt == string(value) {
			t.Fatalf("%s: got %v of %s", what, err, spoilt)
		}
		if schema.Validate(data) == nil {
			t.Errorf("%s: got no error", what)
		}
	}
}

// The binary serves what is committed.
func TestDocsServeSchemas(t *testing.T) {
	t.Parallel()

	for name := range events() {
		want, err := os.ReadFile(filepath.Join(schemaDir, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := docs.Schema(name); !ok || !bytes.Equal(got, want) {
			t.Errorf("%s: got %d bytes, %v, want the committed schema", name, len(got), ok)
		}
	}
	if _, ok := docs.Schema("../asyncapi"); ok {
		t.Error("got something outside the schemas")
	}
}

func schemaOf(t *testing.T, name string, event any) []byte {
	t.Helper()
	l := readLanguage(t)
	r := jsonschema.Reflector{
		AllowAdditionalProperties: true, // readers ignore fields they do not know
		Anonymous:                 true,
		DoNotReference:            true,
		Mapper:                    l.mapped,
		LookupComment:             l.comment,
	}
	s := r.Reflect(event)
	s.Version, s.ID, s.Title = draft7, jsonschema.ID(wire.SchemaURI(name)), name
	if config, ok := s.Properties.Get("config"); ok {
		s.Properties.Set("config", &jsonschema.Schema{Type: "object", Description: config.Description})
	}
	return indented(t, s)
}

// indented is v as JSON for people.
func indented(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(b.String()) // maps escape by themselves
	return []byte(text)
}

// mapped is the schema of the types that say more than their Go kind.
func (l language) mapped(typ reflect.Type) *jsonschema.Schema {
	switch reflect.Zero(typ).Interface().(type) {
	case domain.SourceID, domain.FileID, domain.JobID, domain.RunID:
		return &jsonschema.Schema{Type: "string", Format: "uuid"}
	case domain.Digest:
		return &jsonschema.Schema{Type: "string", Pattern: "^[0-9a-f]{64}$"}
	}
	if values := l.values[typ.Name()]; typ.Kind() == reflect.String && len(values) > 0 {
		return &jsonschema.Schema{Type: "string", Enum: values}
	}
	return nil
}

// comment is what the source says of a type or of its field.
func (l language) comment(typ reflect.Type, field string) string {
	if field == "" {
		return l.comments[typ.Name()]
	}
	text := l.comments[typ.Name()+"."+field]
	if f, ok := typ.FieldByName(field); ok && len(l.values[f.Type.Name()]) > 0 {
		text = strings.TrimPrefix(text+". "+skipValues, ". ")
	}
	return text
}

func compiled(t *testing.T, schema []byte) *validator.Schema {
	t.Helper()
	document, err := validator.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parsed(t *testing.T, document []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(document, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
