package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// Marks of an operation, in its metadata.
const (
	markOpen      = "open"      // needs no caller
	markOwnerless = "ownerless" // a trusted gateway may leave the owner out
	markOperate   = "operate"   // needs the right to operate; shows what is no owner's
	markNoEvent   = "noEvent"   // a write that appends nothing to the log
	markLimit     = "limit"     // its rate limit, if it has one of its own
)

func isOpen(op *huma.Operation) bool    { return op.Metadata[markOpen] != nil }
func ownerless(op *huma.Operation) bool { return op.Metadata[markOwnerless] != nil }

func marked(mark string) map[string]any { return map[string]any{mark: true} }

// mends marks a write to the tables alone, by those who may operate.
func mends() map[string]any { return map[string]any{markOperate: true, markNoEvent: true} }

// limited marks an operation with a rate limit of its own.
func limited(by string) map[string]any { return map[string]any{markLimit: by} }

// register adds an operation whose handler answers with errors of the domain.
// op.Errors names the codes beside those that all operations have.
func register[I, O any](s *Server, op huma.Operation, h func(context.Context, *I) (*O, error)) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{} // huma fills the map it is given
	}
	op.MaxBodyBytes, op.BodyReadTimeout = -1, -1 // checkBody has read the body
	if !isOpen(&op) {
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable)
		op.Security = []map[string][]string{{"bearer": {}}, {"apiKey": {}}, {"gateway": {}}}
		if op.Method == http.MethodGet {
			op.Parameters = append(op.Parameters, minPosition())
		} else {
			op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
		}
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
	delete(op.Responses, strconv.Itoa(http.StatusUnprocessableEntity)) // 400 here
	if op.Method != http.MethodGet && op.DefaultStatus != http.StatusAccepted && op.Metadata[markNoEvent] == nil {
		alsoAccepted(op)
	}
}

// alsoAccepted documents the 202 of a write that is durable but not folded yet.
func alsoAccepted(op huma.Operation) {
	status := op.DefaultStatus
	if status == 0 {
		status = http.StatusOK
	}
	if done := op.Responses[strconv.Itoa(status)]; done != nil {
		op.Responses[strconv.Itoa(http.StatusAccepted)] = &huma.Response{
			Description: "The same body: the order is durable, its effect is not visible yet. Read with Min-Log-Position to wait for it.",
			Content:     done.Content, Headers: done.Headers,
		}
	}
}
