package github

import (
	"errors"
	"fmt"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
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
		return forge.Classify(Provider, what, refused.Response.StatusCode, err)
	}
	return forge.Classify(Provider, what, 0, err)
}

// absent reports whether a part of the repository is switched off or was never
// made.
func absent(err error) bool { return errors.Is(err, domain.ErrGone) }
