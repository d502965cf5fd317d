package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
)

// An errorReply is the body of every answer that is not a 2xx or 3xx.
type errorReply struct {
	Fault   errorBody `json:"error"`
	status  int
	headers http.Header
}

// An errorBody is what went wrong.
type errorBody struct {
	Code    string `json:"code" doc:"One word in capitals, e.g. VALIDATION_ERROR. Branch on it; the message may change." example:"VALIDATION_ERROR"`
	Message string `json:"message" doc:"For people."`
	Details any    `json:"details" doc:"VALIDATION_ERROR: a list of {field, problem, allowed}. Else an object with correlationId and, for CONFLICT, sourceId."`
}

// A fieldProblem is one field of bad input.
type fieldProblem struct {
	Field   string `json:"field"`             // as the caller wrote it; empty for the whole body
	Problem string `json:"problem"`           // what is wrong
	Allowed string `json:"allowed,omitempty"` // what would be right
}

// maxField is how much of a field's name is echoed, in bytes.
const maxField = 256

func newErrorReply(status int, code, message string) *errorReply {
	return &errorReply{status: status, headers: http.Header{}, Fault: errorBody{Code: code, Message: message}}
}

// invalid is the answer to bad input.
func invalid(status int, code string, problems ...fieldProblem) *errorReply {
	texts := make([]string, len(problems))
	for i, p := range problems {
		if len(p.Field) > maxField { // a name that the caller made up
			p.Field = domain.Clean(p.Field[:maxField])
			problems[i] = p
		}
		texts[i] = (&domain.InvalidError{Field: p.Field, Problem: p.Problem, Allowed: p.Allowed}).Error()
	}
	e := newErrorReply(status, code, strings.Join(texts, "; "))
	e.Fault.Details = problems
	return e
}

// Error, GetStatus and GetHeaders make it an error that huma answers with.
func (e *errorReply) Error() string           { return e.Fault.Code + ": " + e.Fault.Message }
func (e *errorReply) GetStatus() int          { return e.status }
func (e *errorReply) GetHeaders() http.Header { return e.headers }

// installEnvelope makes huma answer its own errors in our envelope.
var installEnvelope = sync.OnceFunc(func() { huma.NewError = fromHuma })

// fromHuma turns an error that huma found into our envelope: bad input, but for
// a few it makes itself. 422 is 400 here. What is allowed is added by explain,
// which knows the operation.
func fromHuma(status int, message string, errs ...error) huma.StatusError {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		problems := make([]fieldProblem, 0, len(errs))
		for _, err := range errs {
			problems = append(problems, problemOf(err))
		}
		if len(problems) == 0 {
			problems = append(problems, fieldProblem{Problem: message})
		}
		return invalid(http.StatusBadRequest, codeValidation, problems...)
	case 0: // huma asks for an example, to derive the schema
		return &errorReply{}
	default:
		return newErrorReply(status, strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_")), message)
	}
}

// problemOf reads what huma found; its location is body.config, query.limit, ...
func problemOf(err error) fieldProblem {
	var d *huma.ErrorDetail
	if !errors.As(err, &d) {
		return fieldProblem{Problem: err.Error()}
	}
	_, field, _ := strings.Cut(d.Location, ".")
	return fieldProblem{Field: field, Problem: d.Message}
}

// refuse writes e outside of huma's handlers.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, e *errorReply) {
	recordOf(r.Context()).code = e.Fault.Code
	for name, values := range e.headers {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	if err := json.NewEncoder(w).Encode(e.with(r.Context())); err != nil {
		s.Log.DebugContext(r.Context(), "client has gone", "err", err)
	}
}
