package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/confuse/data-connector/domain"
)

// Classify turns the failure of a call into one of ours. status is that of an
// answer which an SDK has refused, 0: there was none. What the transport has
// decided (401, limits, 5xx, connections) stays as it is. The provider's own words
// are left out: they may quote what was sent (I7).
func Classify(provider domain.Provider, what string, status int, err error) error {
	switch {
	case err == nil:
		return nil
	case status != 0:
		return fmt.Errorf("%s: %s: answered %d: %w", provider, what, status, kindOf(status))
	case decided(err):
		return err
	case isCut(err):
		return fmt.Errorf("%s: %s: answer is cut off or no JSON: %w", provider, what, domain.ErrTransient)
	}
	return fmt.Errorf("%s: %s: %w", provider, what, err)
}

// decided reports whether err is one of ours already.
func decided(err error) bool {
	var limited *domain.RateLimitedError
	var invalid *domain.InvalidError
	for _, ours := range []error{
		domain.ErrTransient, domain.ErrUnauthorized, domain.ErrForbidden, domain.ErrTooLarge, domain.ErrGone, domain.ErrPartial,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return errors.As(err, &limited) || errors.As(err, &invalid)
}

func isCut(err error) bool {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.As(err, &syntax) || errors.As(err, &kind)
}

func kindOf(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return domain.ErrUnauthorized
	case http.StatusForbidden, http.StatusUnavailableForLegalReasons:
		return domain.ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return domain.ErrGone
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity: // paging beyond what is allowed
		return domain.ErrPartial
	}
	return domain.ErrTransient
}
