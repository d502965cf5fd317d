package gitrepo

import (
	"context"
	"fmt"
	"io"
	"os"
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
// there is none, it is too old or cannot be confined, and an InvalidError when it does not know an id
// of Options.AcceptFsck.
func (c *Client) Check(ctx context.Context) (version string, err error) {
	for _, id := range c.opt.AcceptFsck { // git does not begin with what is none
		if err := CheckFsck(id); err != nil {
			return "", err
		}
	}
	p, err := c.start(ctx, command{args: []string{"version"}})
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(io.LimitReader(p.out, 1<<10))
	if err = first(p.wait(), err); err != nil {
		return "", fmt.Errorf("gitrepo: %s version: %w", c.program, err)
	}
	version = strings.TrimPrefix(strings.TrimSpace(string(out)), "git version ")
	if err := checkVersion(version); err != nil {
		return version, err
	}
	if err := c.checkConfined(ctx); err != nil {
		return version, err
	}
	return version, c.checkAccepted(ctx)
}

// checkConfined gives limits to a git that is sure to run: one that has ended needs
// none, which would say nothing of the next one.
func (c *Client) checkConfined(ctx context.Context) error {
	in, hold, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("gitrepo: pipe: %w", err)
	}
	p, err := c.start(ctx, command{args: []string{"hash-object", "--stdin"}, in: in})
	_, _ = in.Close(), hold.Close() // nothing was written
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, p.out)
	return first(p.wait(), err)
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
