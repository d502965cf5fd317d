package gitrepo

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The oldest git that will do: 2.37 pins addresses (http.curloptResolve), 2.38
// knows safe.bareRepository, and 2.39 is the oldest that distributions still
// patch.
const (
	minMajor = 2
	minMinor = 39
)

// Check runs git and gives its version. It is an error, with the reason, when
// there is none or it is too old.
func (c *Client) Check(ctx context.Context) (version string, err error) {
	p, err := c.start(ctx, command{args: []string{"version"}})
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(io.LimitReader(p.out, 1<<10))
	if err = first(p.wait(), err); err != nil {
		return "", fmt.Errorf("gitrepo: %s version: %w", c.program, err)
	}
	version = strings.TrimPrefix(strings.TrimSpace(string(out)), "git version ")
	return version, checkVersion(version)
}

func checkVersion(version string) error {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	if errA != nil || errB != nil {
		return fmt.Errorf("gitrepo: %q is no version of git", version)
	}
	if a < minMajor || a == minMajor && b < minMinor {
		return fmt.Errorf("gitrepo: git %s is too old: at least %d.%d is needed, to pin addresses and for its security fixes", version, minMajor, minMinor)
	}
	return nil
}

// first is the first of errs that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
