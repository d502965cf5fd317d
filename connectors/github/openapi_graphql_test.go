package github_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// publishedGraphQL is GitHub's own schema of its GraphQL API (MIT licence).
const publishedGraphQL = "@octokit/graphql-schema@15.26.1"

// TestPublishedGraphQL: every query of the connector is one that GitHub's schema
// allows, and the emulator answers with what it asks for and nothing else.
func TestPublishedGraphQL(t *testing.T) {
	t.Parallel()

	var schema *ast.Schema
	for name, text := range forgetest.NPM(t, publishedGraphQL, "schema.graphql") {
		schema = loadGraphQL(t, name, string(text))
	}
	seen := 0
	for _, c := range callEverything(t) {
		if !strings.HasSuffix(c.Path, "/graphql") {
			continue
		}
		var asked struct{ Query string }
		var answer struct{ Data map[string]any }
		if err := json.Unmarshal(c.Sent, &asked); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(c.Answer, &answer); err != nil {
			t.Fatal(err)
		}
		query, err := gqlparser.LoadQueryWithRules(schema, asked.Query, rules.NewDefaultRules())
		if err != nil {
			t.Fatalf("%v in %s", err, asked.Query)
		}
		for _, op := range query.Operations {
			answered(t, string(op.Operation), op.SelectionSet, answer.Data)
		}
		seen++
	}
	if seen < 10 {
		t.Errorf("got %d queries, want those of lists and of each discussion", seen)
	}
}

// loadGraphQL reads a schema. GitHub's own has fields that come twice, which its
// language forbids: one of each is kept.
func loadGraphQL(t *testing.T, name, text string) *ast.Schema {
	t.Helper()
	doc, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: name, Input: text})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range doc.Definitions {
		seen := map[string]bool{}
		d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool {
			twice := seen[f.Name]
			seen[f.Name] = true
			return twice
		})
	}
	schema, err := validator.ValidateSchemaDocument(doc)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// answered compares what was asked for at a place with what is there.
func answered(t *testing.T, place string, asked ast.SelectionSet, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			answered(t, place, asked, one)
		}
	case map[string]any:
		fields := map[string]*ast.Field{}
		flatten(asked, fields)
		for name, inner := range v {
			f := fields[name]
			if f == nil {
				t.Errorf("%s: nobody has asked for %q", place, name)
				continue
			}
			if kind := f.Definition.Type.Name(); inner != nil && !fits(kind, f.Definition.Type.Elem != nil, inner) {
				t.Errorf("%s.%s: got %v, want a %s", place, name, inner, kind)
			}
			answered(t, place+"."+name, f.SelectionSet, inner)
		}
	}
}

// flatten gathers fields by the names that they have in an answer.
func flatten(asked ast.SelectionSet, fields map[string]*ast.Field) {
	for _, s := range asked {
		switch s := s.(type) {
		case *ast.Field:
			fields[s.Alias] = s
		case *ast.InlineFragment:
			flatten(s.SelectionSet, fields)
		}
	}
}

// fits reports whether v is of a type of the schema, as far as JSON tells.
func fits(kind string, list bool, v any) bool {
	switch v.(type) {
	case []any:
		return list
	case string:
		return kind == "String" || kind == "URI" || kind == "DateTime"
	case float64:
		return kind == "Int"
	case bool:
		return kind == "Boolean"
	}
	return true
}
