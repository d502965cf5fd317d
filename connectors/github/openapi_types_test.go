package github_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// A schemas is GitHub's description as JSON Schema: what calls send and are answered
// has the types that it says.
type schemas struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	known    map[string]*jsonschema.Schema // by place in the document; nil: there is none
}

const document = "https://api.github.com/description.json"

func newSchemas(t *testing.T, text []byte) *schemas {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	relax(v)
	s := &schemas{doc: v.(map[string]any), compiler: jsonschema.NewCompiler(), known: map[string]*jsonschema.Schema{}}
	s.compiler.DefaultDraft(jsonschema.Draft4) // what OpenAPI 3.0 is based on
	if err := s.compiler.AddResource(document, v); err != nil {
		t.Fatal(err)
	}
	return s
}

// relax says of "nullable", which OpenAPI 3.0 has beside JSON Schema, what it means,
// and lets fields be missing: recorded objects have those alone that are of use here.
func relax(v any) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			relax(one)
		}
	case map[string]any:
		for _, one := range v {
			relax(one)
		}
		if _, ok := v["required"].([]any); ok { // else it is a field of that name
			delete(v, "required")
		}
		if v["nullable"] != true {
			return
		}
		delete(v, "nullable")
		rest := maps.Clone(v)
		clear(v)
		v["anyOf"] = []any{rest, map[string]any{"type": "null"}}
	}
}

// at is the schema at a place in the document; nil: there is none.
func (s *schemas) at(t *testing.T, place ...string) *jsonschema.Schema {
	t.Helper()
	pointer := ""
	var v any = s.doc
	for _, name := range place {
		m, _ := v.(map[string]any)
		v = m[name]
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	if found, ok := s.known[pointer]; ok || v == nil {
		return found
	}
	found, err := s.compiler.Compile(document + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	s.known[pointer] = found
	return found
}

// check compares a call at a described path with its description: what it sends, of
// which every field has to be known, and what it is answered.
func (s *schemas) check(t *testing.T, path string, c forgetest.Call) (sent, answered bool) {
	t.Helper()
	method := strings.ToLower(c.Method)
	op := []string{"paths", path, method}
	content := []string{"content", "application/json", "schema"}
	if len(c.Sent) > 0 {
		schema := s.at(t, append(append(op, "requestBody"), content...)...)
		sent = valid(t, fmt.Sprintf("%s %s", method, path), schema, c.Sent, true)
	}
	if c.Status/100 == 2 && c.Status != http.StatusNoContent {
		schema := s.at(t, append(append(op, "responses", fmt.Sprint(c.Status)), content...)...)
		answered = valid(t, fmt.Sprintf("answer to %s %s", method, path), schema, c.Answer, false)
	}
	return sent, answered
}

// valid reports whether there is a schema; what does not fit it is an error.
func valid(t *testing.T, what string, schema *jsonschema.Schema, text []byte, whole bool) bool {
	t.Helper()
	if schema == nil {
		t.Errorf("%s: no body is described", what)
		return false
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if fields := unknown(schema, v); whole && len(fields) > 0 {
		t.Errorf("%s: fields %q are not described", what, fields)
	}
	return true
}

// unknown are the fields of v, and of objects in it, that schema does not describe.
func unknown(schema *jsonschema.Schema, v any) (fields []string) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	described := propertiesOf(schema)
	for name, value := range object {
		p, ok := described[name]
		if !ok {
			fields = append(fields, name)
			continue
		}
		for _, inner := range unknown(p, value) {
			fields = append(fields, name+"."+inner)
		}
	}
	return fields
}

// propertiesOf are those of a schema and of what it refers to.
func propertiesOf(schema *jsonschema.Schema) map[string]*jsonschema.Schema {
	all := map[string]*jsonschema.Schema{}
	if schema == nil {
		return all
	}
	maps.Copy(all, schema.Properties)
	maps.Copy(all, propertiesOf(schema.Ref))
	for _, some := range [][]*jsonschema.Schema{schema.AllOf, schema.AnyOf, schema.OneOf} {
		for _, one := range some {
			maps.Copy(all, propertiesOf(one))
		}
	}
	return all
}
