package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// limitedFor is how long a server is left alone that says "too many requests":
// git does not tell its Retry-After.
const limitedFor = time.Minute

// errNoSuchObject is a commit that the server does not have, or does not give.
var errNoSuchObject = errors.New("the server does not have that commit")

// An UnsafeError is a repository with an object that git refuses to take. An
// operator who knows better accepts its id: see Options.AcceptFsck.
type UnsafeError struct {
	ID   string // of git fsck: "gitmodulesUrl"
	Text string // git's own
}

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("the repository has an object that git holds for damaged or dangerous (%s): %s", e.ID, e.Text)
}

var (
	httpStatus = regexp.MustCompile(`The requested URL returned error: (\d{3})`)
	fsckError  = regexp.MustCompile(`error: object [0-9a-f]+: (\w+): `)
)

// classify turns the failure of a run of git that used the network into one of
// ours:
//
//   - no or a refused token: ErrUnauthorized
//   - allowed to no one with this token: ErrForbidden
//   - no such repository: ErrGone; forges say so as well when the token may not
//     see it
//   - too many requests: RateLimitedError
//   - an object that fsck refuses: UnsafeError
//   - a redirect: an InvalidError naming no field
//   - an object that needs more memory than git may have: ErrTooLarge
//   - anything else on the way: ErrTransient
func (c *Client) classify(what string, err error) error {
	var failed *commandError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTimeout):
		return fmt.Errorf("gitrepo: %s: %w: %w", what, domain.ErrTransient, err)
	case !errors.As(err, &failed):
		return fmt.Errorf("gitrepo: %s: %w", what, err)
	}
	if m := fsckError.FindStringSubmatch(failed.text); m != nil {
		return fmt.Errorf("gitrepo: %s: %w", what, &UnsafeError{ID: m[1], Text: failed.text})
	}
	return fmt.Errorf("gitrepo: %s: %w: %w", what, c.kindOf(failed), err)
}

func (c *Client) kindOf(failed *commandError) error {
	status := 0
	if m := httpStatus.FindStringSubmatch(failed.text); m != nil {
		status, _ = strconv.Atoi(m[1]) // three digits
	}
	has := func(part string) bool { return strings.Contains(failed.text, part) }
	switch {
	case status == 401, has("Authentication failed"), has("could not read Username"), has("could not read Password"):
		return domain.ErrUnauthorized
	case status == 403:
		return domain.ErrForbidden
	case status == 404, status == 410, has("fatal: repository '") && has("not found"):
		return domain.ErrGone
	case status == 429:
		return &domain.RateLimitedError{Until: c.opt.Clock.Now().Add(limitedFor)}
	case status >= 300 && status < 400, has("unable to update url base from redirection"):
		return &domain.InvalidError{Problem: "the server redirects to another place", Allowed: "the URL that it redirects to, if it is to be trusted"}
	case failed.overMemory():
		return domain.ErrTooLarge
	case has("not our ref"), has("unadvertised object"), has("couldn't find remote ref"):
		return errNoSuchObject
	}
	return domain.ErrTransient
}

// again reports whether err may be due to a token that has expired meanwhile.
func again(ctx context.Context, err error) bool {
	return errors.Is(err, domain.ErrUnauthorized) && ctx.Err() == nil
}
