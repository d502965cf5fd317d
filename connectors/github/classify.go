package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/domain"
)

// classify turns an error of the SDK into one of ours. What the transport has
// decided (401, limits, 5xx, connections) stays as it is. GitHub's own words are
// left out: they may quote what was sent (I7).
func classify(what string, err error) error {
	var refused *sdk.ErrorResponse
	var abuse *sdk.AbuseRateLimitError
	var primary *sdk.RateLimitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &primary):
		return &domain.RateLimitedError{Until: primary.Rate.Reset.Time}
	case errors.As(err, &abuse):
		return fmt.Errorf("github: %s: secondary limit: %w", what, domain.ErrTransient)
	case errors.As(err, &refused) && refused.Response != nil:
		return fmt.Errorf("github: %s: answered %d: %w", what, refused.Response.StatusCode, kindOf(refused.Response.StatusCode))
	case decided(err):
		return err
	case isCut(err):
		return fmt.Errorf("github: %s: answer is cut off or no JSON: %w", what, domain.ErrTransient)
	}
	return fmt.Errorf("github: %s: %w", what, err)
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
	case http.StatusUnprocessableEntity: // paging beyond what GitHub allows
		return domain.ErrPartial
	}
	return domain.ErrTransient
}

// escape is a path in a URL.
func escape(path string) string {
	parts := strings.Split(strings.ToValidUTF8(path, "\uFFFD"), "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
