package localfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"github.com/confuse/data-connector/domain"
)

// take hints at what a notice says. Folders that came, went or were renamed are
// looked at as they are now: whatever happens to them later has a notice of its
// own behind this one.
func (w *watcher) take(e fsnotify.Event) error {
	path := w.relative(e)
	if path == "" {
		return w.takeRoot(e)
	}
	_, watched := w.folders[path+"/"]
	if watched {
		w.say("")
		if e.Has(fsnotify.Chmod) {
			return nil
		}
		// Before it is watched under its new name: the kernel would take that for
		// the same watch, and fsnotify keep the old name for it.
		w.forget(path, !e.Has(fsnotify.Remove))
	}
	info, err := os.Lstat(filepath.Join(w.root, path))
	switch {
	case err == nil && info.IsDir() && !w.leftOut(path, true):
		return w.add(path)
	case err == nil && !info.IsDir(), err != nil && !w.leftOut(path, true): // of what is gone nobody says what it was
		w.touched(path)
	}
	return nil
}

func (w *watcher) takeRoot(e fsnotify.Event) error {
	w.say("")
	if e.Has(fsnotify.Remove | fsnotify.Rename) {
		return fmt.Errorf("localfs: watch: root was removed or renamed: %w", domain.ErrGone)
	}
	return nil
}

// touched hints at what is, or was, no folder.
func (w *watcher) touched(path string) {
	if !w.leftOut(path, false) {
		w.say("")
	}
}

func (w *watcher) leftOut(path string, dir bool) bool {
	return w.scope.Skip != nil && w.scope.Skip([]byte(path), dir) || slices.Contains(w.conn.own, filepath.Join(w.root, path))
}

// forget ends the watch on a folder, and on those below it, which keep their old
// names when it is renamed. A folder that was removed has none.
func (w *watcher) forget(path string, below bool) {
	end := func(folder string) {
		delete(w.folders, folder)
		_ = w.notices.Remove(filepath.Join(w.root, folder)) // it may have ended by itself
	}
	end(path + "/")
	for folder := range w.folders {
		if below && strings.HasPrefix(folder, path+"/") {
			end(folder)
		}
	}
}

// add watches a folder and those below it. It hints when there is something in
// it that is listed: that may have come before the watch did.
func (w *watcher) add(path string) error {
	r, err := w.open()
	if err != nil {
		return err
	}
	defer r.close()
	dir, err := openFolder(r.dir, path)
	if err != nil {
		w.touched(path)
		return nil //nolint:nilerr // it is gone again, or a failure of the listing
	}
	f := &frame{path: path + "/", dir: dir}
	defer f.close()
	w.found = false
	err = w.walk().folder(f)
	switch {
	case errors.Is(err, domain.ErrTransient):
		w.found, w.lacking = true, true
	case errors.Is(err, errNoMore):
		w.found = true
	case err != nil:
		return err
	}
	if w.found {
		w.say("")
	}
	w.sayLacking()
	return nil
}

// errNoMore ends a walk: no more folders can be watched.
var errNoMore = errors.New("no more watches")

func (w *watcher) walk() *walk {
	return &walk{ctx: w.ctx, scope: w.scope, path: w.root, own: w.conn.own, to: w}
}

// folder watches a folder. Its names are read behind that, so that what comes
// into it meanwhile is seen twice rather than never.
func (w *watcher) folder(f *frame) error {
	err := error(syscall.ENOSPC) // what the system says when it allows no more
	if len(w.folders) < w.conn.watches {
		err = w.notices.Add(filepath.Join(w.root, f.path))
	}
	switch {
	case err == nil:
		w.folders[f.path] = struct{}{}
		return nil
	case f.path == "" && errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("localfs: watch: %w: %w", domain.ErrTransient, err)
	case f.path == "":
		return classify("watch", err)
	case gone(err) || errors.Is(err, fs.ErrPermission):
		return nil // the one has a notice, the other is a failure of the listing
	}
	w.lacking = true
	if errors.Is(err, syscall.ENAMETOOLONG) {
		return nil // of this folder alone
	}
	return errNoMore
}

func (w *watcher) leaf(*frame, string) error {
	w.found = true
	return nil
}

// fail is listed, too.
func (w *watcher) fail(failure, string) error {
	w.found = true
	return nil
}
