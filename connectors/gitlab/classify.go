package gitlab

import (
	"errors"
	"net/http"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
)

// classify turns an error of the SDK into one of ours.
func classify(what string, err error) error {
	var refused *sdk.ErrorResponse
	switch {
	case errors.Is(err, sdk.ErrNotFound):
		return forge.Classify(Provider, what, http.StatusNotFound, err)
	case errors.As(err, &refused):
		return forge.Classify(Provider, what, refused.StatusCode, err)
	}
	return forge.Classify(Provider, what, 0, err)
}
