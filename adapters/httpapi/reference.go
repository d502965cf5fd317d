package httpapi

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// A Reference is the OpenAPI document as people read it. /docs and the page
// docs/api-reference.md are rendered from it.
type Reference struct {
	Version   string
	Endpoints []Endpoint // by group, path and method
	Shapes    []Shape    // of bodies, by name
	Codes     []Code     // of errors, by status; a code may be there for several reasons
}

// A Code is one reason for an error.
type Code struct {
	Status int
	Code   string
	Text   string
}

// An Endpoint is one operation.
type Endpoint struct {
	ID          string // of the operation
	Group       string // sources, files, ...
	Method      string
	Path        string
	Summary     string
	Description string
	Open        bool    // needs no key
	Parameters  []Field // of path, query and headers
	Body        string  // name of the shape of the request's body; "" if it takes none
	BodyNeeded  bool
	Replies     []Reply // by status
}

// A Reply is one way in which an endpoint answers.
type Reply struct {
	Status  string // "200"; "default": any other
	Text    string
	Shape   string   // name of the shape of its body; "" if it has none
	Headers []string // names
}

// A Shape is the body of a request or reply, or a part of one.
type Shape struct {
	Name   string
	Fields []Field
}

// A Field is a parameter, or a field of a shape.
type Field struct {
	Name     string
	In       string // path, query, header; "" in a shape
	Type     string // in words: what is allowed, or the name of a shape
	Required bool
	Doc      string
}

// Reference is the reference of all operations.
func (s *Server) Reference() Reference {
	doc := s.api.OpenAPI()
	ref := Reference{Version: s.Version, Codes: codes()}
	for path, item := range doc.Paths {
		for _, op := range operationsOf(item) {
			ref.Endpoints = append(ref.Endpoints, s.endpoint(path, op))
		}
	}
	groups := []string{"sources", "files", "events", "jobs", "operation"}
	slices.SortFunc(ref.Endpoints, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(slices.Index(groups, a.Group), slices.Index(groups, b.Group)), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		if schemas[name].Type == huma.TypeObject {
			ref.Shapes = append(ref.Shapes, Shape{Name: name, Fields: s.fields(schemas[name])})
		}
	}
	return ref
}

func (s *Server) endpoint(path string, op *huma.Operation) Endpoint {
	e := Endpoint{
		ID: op.OperationID, Group: op.Tags[0], Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description, Open: isOpen(op),
	}
	for _, p := range op.Parameters {
		f := Field{Name: p.Name, In: p.In, Type: s.typeOf(p.Schema), Required: p.Required, Doc: p.Description}
		if p.Schema.Default != nil {
			f.Type += fmt.Sprintf("; %v if left out", p.Schema.Default)
		}
		e.Parameters = append(e.Parameters, f)
	}
	if op.RequestBody != nil {
		e.Body, e.BodyNeeded = s.typeOf(bodySchema(op)), op.RequestBody.Required
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		reply := op.Responses[status]
		r := Reply{Status: status, Text: reply.Description, Headers: slices.Sorted(maps.Keys(reply.Headers))}
		if body := reply.Content["application/json"]; body != nil {
			r.Shape = s.typeOf(body.Schema)
		}
		e.Replies = append(e.Replies, r)
	}
	return e
}

func (s *Server) fields(schema *huma.Schema) []Field {
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		fields = append(fields, Field{Name: name, Type: s.typeOf(p), Required: slices.Contains(schema.Required, name), Doc: p.Description})
	}
	return fields
}

// typeOf says what schema allows; a shape by its name.
func (s *Server) typeOf(schema *huma.Schema) string {
	switch {
	case schema.Ref != "":
		return schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]
	case schema.Type == huma.TypeArray:
		return "list of " + s.typeOf(schema.Items)
	case schema.Type == huma.TypeNumber:
		return "a number"
	case schema.Type == "":
		return "any JSON"
	}
	if values, ok := schema.AdditionalProperties.(*huma.Schema); ok {
		return "object of " + s.typeOf(values)
	}
	return allowedBy(s.schemas(), schema)
}
