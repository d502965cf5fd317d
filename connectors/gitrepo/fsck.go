package gitrepo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// harmless are faults of honest old repositories that concern nobody who checks
// nothing out: dates, names of people, the notation of a mode.
func harmless() []string {
	return []string{
		"badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail",
		"missingNameBeforeEmail", "missingSpaceBeforeDate", "missingSpaceBeforeEmail", "nulInCommit",
		"zeroPaddedDate", "zeroPaddedFilemode", "missingTaggerEntry", "badTagName", "gitmodulesParse",
	}
}

// accepts reports whether a fault of a repository is let pass.
func (c *Client) accepts(id string) bool {
	return slices.ContainsFunc(append(harmless(), c.opt.AcceptFsck...), func(accepted string) bool { return strings.EqualFold(accepted, id) })
}

// CheckFsck reports as an InvalidError what is not the id of a fault that may be
// let pass, as far as that can be told without asking a git.
func CheckFsck(id string) error {
	letters := id != "" && strings.Trim(strings.ToLower(id), "abcdefghijklmnopqrstuvwxyz0123456789") == ""
	switch {
	case !letters:
		return &domain.InvalidError{Problem: fmt.Sprintf("%q is no message id of git fsck", id), Allowed: allowedFsck}
	case fatal(id):
		return &domain.InvalidError{Problem: fmt.Sprintf("%q is never let pass by git", id), Allowed: allowedFsck}
	}
	return nil
}

// allowedFsck says what an id is.
const allowedFsck = "ids as git fsck says them, such as gitmodulesUrl (git help fsck lists them)"

// fatal are the faults behind which git cannot read on: it refuses to start when it
// is told to ignore them.
func fatal(id string) bool {
	return strings.EqualFold(id, "nulInHeader") || strings.EqualFold(id, "unterminatedHeader")
}

// checkAccepted asks git for the ids that it knows: it passes over any other one
// without a word that somebody would see.
func (c *Client) checkAccepted(ctx context.Context) error {
	if len(c.opt.AcceptFsck) == 0 {
		return nil
	}
	out, err := c.run(ctx, command{args: []string{"help", "--config"}})
	if err != nil {
		return fmt.Errorf("gitrepo: %s help: %w", c.program, err)
	}
	known := map[string]bool{}
	for name := range strings.FieldsSeq(strings.ToLower(out)) {
		if id, ok := strings.CutPrefix(name, "fsck."); ok && id != "skiplist" { // a file of object ids, no fault
			known[id] = true
		}
	}
	for _, id := range c.opt.AcceptFsck {
		if !known[strings.ToLower(id)] {
			return &domain.InvalidError{Problem: fmt.Sprintf("%q is not known to this git", id), Allowed: allowedFsck}
		}
	}
	return nil
}
