package localfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/confuse/data-connector/domain"
)

var _ domain.Watcher = (*Connector)(nil)

// The words of hints for what is no plain notice of change.
const (
	eventOverflow  = "overflow"  // notices were lost
	eventUnwatched = "unwatched" // not every folder can be watched; said once
)

// maxWatches is the most folders that one Watch watches. Each takes about 1 KB of
// the kernel's memory, and all programs of a user share what the system allows.
const maxWatches = 1 << 16

// rootCheck is how often a Watch looks whether its root is still there: of a root
// that was unmounted, or whose parent was renamed, there is no notice.
const rootCheck = time.Minute

// Watch implements domain.Watcher: hints for whatever may change the listing, one
// for each notice, none for what the filters leave out and for the service's own
// folders. It begins with a hint when the folder has changed since the last walk
// that this worker's cache knows of, and always with Scope.Fresh. When notices were lost it watches everything
// anew and then gives a hint.
//
// Folders that it cannot watch, because the system or maxWatches allows no more,
// are left to the poll; it says so once, by a hint. It returns nil when ctx ends,
// ErrGone when the root is gone or another one, ErrTransient when the machine does
// not let it watch anything. Then no watch is left.
func (c *Connector) Watch(ctx context.Context, s domain.Scope, hint func(domain.Hint)) error {
	w := &watcher{ctx: ctx, conn: c, scope: s, hint: hint}
	for {
		err := w.run()
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.Is(err, fsnotify.ErrEventOverflow):
			return err
		}
		w.overflown = true
	}
}

// A watcher watches one root.
type watcher struct {
	ctx   context.Context // of the one Watch that it serves
	conn  *Connector
	scope domain.Scope
	hint  func(domain.Hint)

	root      string // real path
	info      os.FileInfo
	notices   *fsnotify.Watcher
	folders   map[string]struct{} // that are watched, as the paths of frames
	overflown bool                // notices were lost
	found     bool                // by the present walk: something that is listed
	lacking   bool                // some folder cannot be watched
	said      bool                // that it is lacking
}

// run watches until notices are lost, or cannot come any more.
func (w *watcher) run() error {
	var err error
	if w.notices, err = fsnotify.NewWatcher(); err != nil {
		return fmt.Errorf("localfs: watch: %w: %w", domain.ErrTransient, err)
	}
	lost := make(chan error, 1)
	var draining sync.WaitGroup
	// Always ready: fsnotify gives errors while it holds the lock that Add needs.
	draining.Go(func() { drain(w.notices.Errors, lost) })
	defer draining.Wait()
	defer shut(w.notices)
	if err := w.begin(); err != nil {
		return err
	}
	return w.listen(lost)
}

// drain gives lost the first error that matters. EINVAL does not: a folder that
// was no longer watched is no longer watched.
func drain(errs <-chan error, lost chan<- error) {
	for err := range errs {
		if errors.Is(err, syscall.EINVAL) {
			continue
		}
		select {
		case lost <- err:
		default: // there is one already
		}
	}
}

// begin watches the whole root.
func (w *watcher) begin() error {
	r, err := w.conn.open(w.scope)
	if err != nil {
		return err
	}
	defer r.close() // it would keep the root from being unmounted
	w.root, w.info, w.folders = r.path, r.info, map[string]struct{}{}
	if err := w.walk().all(r.dir); err != nil && !errors.Is(err, errNoMore) {
		return err
	}
	switch {
	case w.overflown:
		w.overflown = false
		w.say(eventOverflow)
	case w.scope.Fresh || w.missed():
		w.say("")
	}
	w.sayLacking()
	return nil
}

// missed reports whether something has changed since the last walk. An error is
// left to the poll.
func (w *watcher) missed() bool {
	changed, compared, err := w.conn.probe(w.ctx, w.scope)
	return err == nil && changed && compared
}

func (w *watcher) listen(lost <-chan error) error {
	check := w.conn.clock.After(rootCheck)
	for {
		var err error
		select {
		case <-w.ctx.Done():
			return nil
		case err = <-lost:
			return fmt.Errorf("localfs: watch: %w: %w", domain.ErrTransient, err)
		case e := <-w.notices.Events:
			err = w.take(e)
		case <-check:
			err = w.checkRoot()
			check = w.conn.clock.After(rootCheck)
		}
		if err != nil {
			return err
		}
	}
}

func (w *watcher) checkRoot() error {
	r, err := w.open()
	if err != nil {
		return err
	}
	r.close()
	return nil
}

// open opens the root that is watched. An error ends the watch, with a last hint.
func (w *watcher) open() (*root, error) {
	r, err := w.conn.open(w.scope)
	if err == nil && !os.SameFile(w.info, r.info) {
		r.close()
		err = fmt.Errorf("localfs: watch: another root: %w", domain.ErrGone)
	}
	if err != nil {
		w.say("")
		return nil, err
	}
	return r, nil
}

func (w *watcher) say(event string) {
	w.hint(domain.Hint{Origin: "watch", ProviderEvent: event})
}

func (w *watcher) sayLacking() {
	if w.lacking && !w.said {
		w.said = true
		w.say(eventUnwatched)
	}
}

// relative is the path below the root that a notice names, empty for the root.
func (w *watcher) relative(e fsnotify.Event) string {
	path, inside := strings.CutPrefix(filepath.Clean(e.Name), strings.TrimSuffix(w.root, "/")+"/")
	if !inside {
		return ""
	}
	return path
}
