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
			if err := s.beyond(ctx, p, minPositionHeader, minPositionHeader); err != nil {
				return err
			}
			return fmt.Errorf("position %s is not folded yet: %w", p, domain.ErrUnavailable)
		}
		return fmt.Errorf("wait for position %s: %w", p, err)
	}
	return nil
}

// beyond is an InvalidError when the log holds no record at p, so that waiting for
// it is of no use: it names the field of the partition or of the offset. nil: it
// holds one, or nobody can tell now.
func (s *Server) beyond(ctx context.Context, p domain.Position, partition, offset string) error {
	if s.Ends == nil {
		return nil
	}
	n, err := s.Ends.Partitions(ctx)
	if err != nil {
		return nil //nolint:nilerr // nobody can tell now
	}
	if p.Partition >= n {
		return &domain.InvalidError{Field: partition, Problem: "names no partition of the log", Allowed: fmt.Sprintf("0 to %d", n-1)}
	}
	end, err := s.Ends.End(ctx, p.Partition)
	if err != nil || p.Offset < end {
		return nil //nolint:nilerr // the same
	}
	return &domain.InvalidError{Field: offset, Problem: "lies behind the end of the log", Allowed: fmt.Sprintf("offsets up to %d in partition %d", end, p.Partition)}
}
