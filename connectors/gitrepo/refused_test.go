package gitrepo_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// A client that was refused says why to whoever asks, whether git or one request
// would do.
func TestRefused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	commit := w.repo.Commit("main", gittest.Put("a", "1"))
	from := w.start()
	item := w.list().items["a"]
	w.source.Client = gitrepo.Refused(errors.New("git 1.2 is too old"))
	_, startErr := w.source.StartCursor(t.Context(), w.scope)
	_, changedErr := w.source.Changed(t.Context(), w.scope, from)
	_, readErr := w.read(item)
	fixed := w.source
	fixed.Remote.Ref = commit
	_, fixedErr := fixed.StartCursor(t.Context(), w.scope)
	for what, err := range map[string]error{
		"start": startErr, "a poll": changedErr, "a file": readErr, "a fixed commit": fixedErr,
		"a listing": w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, newListing(t)),
		"changes":   w.source.Changes(t.Context(), w.scope, from, newListing(t)),
	} {
		var unfit *domain.UnfitError
		if !errors.As(err, &unfit) || !strings.Contains(unfit.Reason, "git 1.2 is too old") {
			t.Errorf("%s: got %v, want the reason", what, err)
		}
	}
}

// A git that cannot be confined is refused by Check, and does not run.
func TestUnconfined(t *testing.T) {
	t.Parallel()

	if runtime.GOOS != "linux" {
		t.Skip("limits are set on Linux alone")
	}
	c := newClient(t, gitrepo.Options{})
	seen := 0
	c.SetConfine(func(gitrepo.Options, int) error {
		if seen++; seen == 1 {
			return nil // git version has ended before it was looked at
		}
		return fmt.Errorf("prlimit: %w", syscall.EPERM)
	})
	if _, err := c.Check(t.Context()); !errors.Is(err, syscall.EPERM) {
		t.Errorf("got %v, want what keeps git from being confined", err)
	}
	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "1"))
	w.source.Client = c
	if err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, newListing(t)); !errors.Is(err, syscall.EPERM) {
		t.Errorf("got %v, want no run of git", err)
	}
}

// What is let pass has to be known to git, which would not say so.
func TestAcceptedFaults(t *testing.T) {
	t.Parallel()

	for id, known := range map[string]bool{"gitmodulesUrl": true, "gitmodulesurl": true, "badParentSha1": true, "nulInHeader": false, "unterminatedheader": false, "skipList": false, "gitmodulesUrk": false, "a=b": false, "": false} {
		_, err := newClient(t, gitrepo.Options{AcceptFsck: []string{"hasDot", id}}).Check(t.Context())
		if invalid := new(domain.InvalidError); (err == nil) != known || !known && !errors.As(err, &invalid) {
			t.Errorf("%q: got %v", id, err)
		}
	}
}
