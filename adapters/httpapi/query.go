package httpapi

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/confuse/data-connector/domain"
)

// checkQuery refuses a query that huma would read leniently: parameters that the
// operation does not have, that are given twice, or that hold what cannot be
// stored.
func (s *Server) checkQuery(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if problems := queryProblems(r.URL.RawQuery, ctx.Operation()); len(problems) > 0 {
		s.refuse(w, r, invalid(http.StatusBadRequest, codeValidation, problems...))
		return
	}
	next(ctx)
}

func queryProblems(raw string, op *huma.Operation) []fieldProblem {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return []fieldProblem{{Field: "query", Problem: "is malformed", Allowed: "name=value pairs joined by &, percent-encoded"}}
	}
	known := map[string]*huma.Param{}
	for _, p := range op.Parameters {
		if p.In == "query" {
			known[p.Name] = p
		}
	}
	var problems []fieldProblem
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p, ok := known[name]
		switch given := values[name]; {
		case !ok:
			problems = append(problems, fieldProblem{Field: domain.Clean(name), Problem: "unknown query parameter", Allowed: namesAllowed(slices.Sorted(maps.Keys(known)))})
		case len(given) > 1:
			problems = append(problems, fieldProblem{Field: name, Problem: "is given more than once", Allowed: "one value"})
		case given[0] != domain.Clean(given[0]):
			problems = append(problems, fieldProblem{Field: name, Problem: "holds NUL or is not valid UTF-8", Allowed: "text without NUL"})
		case given[0] == "" && !freeText(p.Schema):
			problems = append(problems, fieldProblem{Field: name, Problem: "is empty", Allowed: allowedBy(nil, p.Schema)})
		}
	}
	return problems
}

// freeText reports whether an empty value means something: no filter.
func freeText(s *huma.Schema) bool {
	return s.Type == huma.TypeString && s.Format == "" && len(s.Enum) == 0
}

func namesAllowed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
