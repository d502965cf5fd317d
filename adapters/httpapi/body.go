package httpapi

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

const (
	maxBody  = 1 << 20          // bytes
	bodyTime = 10 * time.Second // to send a body
)

// checkBody reads the body of an operation that takes one, refuses what huma
// would accept, and leaves the body for huma to decode and validate.
func (s *Server) checkBody(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	if op.RequestBody == nil {
		next(ctx)
		return
	}
	r, w := humachi.Unwrap(ctx)
	body, refusal := readBody(w, r)
	if refusal == nil && len(body) > 0 {
		refusal = s.bodyProblem(r.Header.Get("Content-Type"), body, op)
	}
	if refusal == nil && len(body) == 0 && op.RequestBody.Required {
		refusal = invalid(http.StatusBadRequest, codeValidation, fieldProblem{Field: "body", Problem: "is missing", Allowed: allowedBy(s.schemas(), bodySchema(op))})
	}
	if refusal != nil {
		s.refuse(w, r, refusal)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	next(ctx)
}

// readBody reads at most maxBody bytes within bodyTime.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *errorReply) {
	control := http.NewResponseController(w)
	late := time.AfterFunc(bodyTime, func() {
		_ = control.SetReadDeadline(time.Unix(1, 0)) // a recorder in a test has none
	})
	defer late.Stop()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return body, nil
	}
	if len(body) >= maxBody {
		return nil, invalid(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE",
			fieldProblem{Field: "body", Problem: "is too large", Allowed: fmt.Sprintf("at most %d bytes", maxBody)})
	}
	return nil, invalid(http.StatusBadRequest, codeValidation, fieldProblem{Field: "body", Problem: "was cut off", Allowed: "a whole body within " + bodyTime.String()})
}

func (s *Server) bodyProblem(contentType string, body []byte, op *huma.Operation) *errorReply {
	media, params, err := mime.ParseMediaType(contentType)
	if charset := params["charset"]; err != nil || media != "application/json" || charset != "" && charset != "utf-8" && charset != "UTF-8" {
		return invalid(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE",
			fieldProblem{Field: "Content-Type", Problem: "is not JSON", Allowed: "application/json in UTF-8"})
	}
	names, problem := scanJSON(body)
	if problem != nil {
		return invalid(http.StatusBadRequest, codeValidation, *problem)
	}
	if problems := nameProblems(names, resolve(s.schemas(), bodySchema(op))); len(problems) > 0 {
		return invalid(http.StatusBadRequest, codeValidation, problems...)
	}
	return nil
}

// nameProblems compares the top-level names of a body with its schema, exactly.
func nameProblems(names []string, schema *huma.Schema) []fieldProblem {
	known := slices.Sorted(maps.Keys(schema.Properties))
	var problems []fieldProblem
	for _, name := range names {
		if !slices.Contains(known, name) {
			problems = append(problems, fieldProblem{Field: name, Problem: "unknown field", Allowed: namesAllowed(known)})
		}
	}
	for _, name := range schema.Required {
		if !slices.Contains(names, name) {
			problems = append(problems, fieldProblem{Field: name, Problem: "is required", Allowed: schema.Properties[name].Description})
		}
	}
	return problems
}

func bodySchema(op *huma.Operation) *huma.Schema {
	return op.RequestBody.Content["application/json"].Schema
}

func (s *Server) schemas() huma.Registry { return s.api.OpenAPI().Components.Schemas }
