package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/confuse/data-connector/domain"
)

const (
	positionHeader    = "Log-Position"
	minPositionHeader = "Min-Log-Position"
	foldTime          = 5 * time.Second // that a read waits for it
)

func minPosition() *huma.Param {
	return &huma.Param{
		Name: minPositionHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
		Description: "The Log-Position of an earlier write: the answer holds at least that. Waits up to 5 s, then 503.",
	}
}

// awaitPosition lets a read wait until the rows hold what its caller wrote.
func (s *Server) awaitPosition(ctx huma.Context, next func(huma.Context)) {
	if ctx.Method() == http.MethodGet || ctx.Method() == http.MethodHead {
		if err := s.await(ctx.Context(), ctx.Header(minPositionHeader)); err != nil {
			r, w := humachi.Unwrap(ctx)
			s.refuse(w, r, s.problem(ctx.Context(), err))
			return
		}
	}
	next(ctx)
}

func (s *Server) await(ctx context.Context, header string) error {
	if header == "" {
		return nil
	}
	p, err := domain.ParsePosition(header)
	var bad *domain.InvalidError
	if errors.As(err, &bad) {
		return &domain.InvalidError{Field: minPositionHeader, Problem: bad.Problem, Allowed: bad.Allowed}
	}
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, foldTime)
	defer cancel()
	if err := s.Folds.Wait(wait, p); err != nil {
		if ctx.Err() == nil && wait.Err() != nil {
			return fmt.Errorf("position %s is not folded yet: %w", p, domain.ErrUnavailable)
		}
		return fmt.Errorf("wait for position %s: %w", p, err)
	}
	return nil
}
