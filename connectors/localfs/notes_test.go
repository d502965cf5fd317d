//go:build linux

package localfs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What was read is written in groups, and the rest before the next listing: it is
// known there, as if each had been written at once.
func TestWhatWasReadIsWrittenInGroups(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const files = 500
	for i := range files {
		w.put(fmt.Sprintf("file-%04d", i), fmt.Sprintf("content %d", i))
	}
	last, err := os.Stat(w.at("file-0499"))
	w.check(err)
	w.conn = w.withClock(last.ModTime().Add(time.Hour)) // not racy
	for _, item := range w.list().items {
		if _, err := w.read(string(item.Path)); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(w.scope.Cache, "digests"))
	if err != nil || info.Size() < files*100/2 {
		t.Errorf("got %v of the journal, %v, want most of it before the next listing", info, err)
	}
	for _, item := range w.list().items {
		if item.Digest.IsZero() {
			t.Errorf("%q is not known", item.Path)
		}
	}
}
