package httpapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// explain adds to each problem that huma found what its field allows. It is a
// transformer: it sees every reply of huma before it is written.
func (s *Server) explain(ctx huma.Context, _ string, reply any) (any, error) {
	e, ok := reply.(*errorReply)
	if !ok {
		return reply, nil
	}
	recordOf(ctx.Context()).code = e.Fault.Code
	problems, _ := e.Fault.Details.([]fieldProblem) // other details are complete
	for i, p := range problems {
		if schema := schemaOf(s.schemas(), ctx.Operation(), p.Field); p.Allowed == "" && schema != nil {
			problems[i].Allowed = allowedBy(s.schemas(), schema)
		}
	}
	return e.with(ctx.Context()), nil
}

// schemaOf finds the schema of a field of op by the name that problems have; nil
// when there is none.
func schemaOf(schemas huma.Registry, op *huma.Operation, field string) *huma.Schema {
	for _, p := range op.Parameters {
		if p.Name == field {
			return p.Schema
		}
	}
	if op.RequestBody == nil {
		return nil
	}
	schema := bodySchema(op)
	for name := range strings.SplitSeq(field, ".") {
		if schema = resolve(schemas, schema); schema == nil {
			return nil
		}
		schema = schema.Properties[name]
	}
	return schema
}

func resolve(schemas huma.Registry, s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// allowedBy says in words what schema allows.
func allowedBy(schemas huma.Registry, schema *huma.Schema) string {
	s := resolve(schemas, schema)
	switch {
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = fmt.Sprint(v)
		}
		return strings.Join(words, ", ")
	case s.Format == "date-time":
		return "an RFC 3339 time, e.g. 2026-03-01T12:00:00Z"
	}
	switch s.Type {
	case huma.TypeInteger:
		return "a whole number" + bounds(s)
	case huma.TypeBoolean:
		return "true or false"
	case huma.TypeArray:
		return "an array"
	case huma.TypeObject:
		if len(s.Properties) == 0 {
			return "an object"
		}
		return "an object with " + strings.Join(slices.Sorted(maps.Keys(s.Properties)), ", ")
	default:
		return textAllowed(s)
	}
}

func textAllowed(s *huma.Schema) string {
	text := "text"
	if s.PatternDescription != "" {
		text = s.PatternDescription
	}
	if s.MaxLength != nil {
		text += fmt.Sprintf(" of at most %d characters", *s.MaxLength)
	}
	return text
}

func bounds(s *huma.Schema) string {
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf(" from %.0f to %.0f", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		return fmt.Sprintf(" from %.0f", *s.Minimum)
	}
	return ""
}
