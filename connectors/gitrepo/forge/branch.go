package forge

import (
	"errors"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

// NoBranch names the option, config.branch, when a repository is there but not
// its branch, to somebody who wants to connect it. branch is the one that was asked
// for, empty: the default.
func NoBranch(err error, branch, repository string) error {
	var invalid *domain.InvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Field == "":
		return &domain.InvalidError{Field: "config.branch", Problem: invalid.Problem, Allowed: invalid.Allowed}
	case branch != "" && errors.Is(err, domain.ErrGone):
		return &domain.InvalidError{Field: "config.branch", Problem: fmt.Sprintf("there is no %q in %s", branch, repository), Allowed: "a branch, a tag or a full commit id"}
	}
	return err
}
