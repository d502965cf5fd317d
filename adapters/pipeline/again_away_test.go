package pipeline_test

import (
	"slices"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// Tables that are away behind the answer of a neighbour make it take nothing twice: what
// is due to them waits, and what may have been taken back is put right in the end.
func TestReplayWaitsForTablesOnce(t *testing.T) {
	t.Parallel()

	p := newPlatform(t)
	p.again(p.changed("notes", domain.FileAdded, 5), false)
	p.while["notes 5"] = func() {
		p.changed("notes", domain.FileModified, 9)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.away = 3
	}
	p.dispatch("none", "replay")
	if calls := p.await("notes 5", "notes 9"); !slices.Equal(calls, []string{"notes 5", "notes 9"}) {
		t.Errorf("the neighbour was given %q", calls)
	}
}

// While what was taken back cannot be put right, what is new of the file is handed on.
func TestWhatCannotBePutRightHoldsUpNothingNew(t *testing.T) {
	t.Parallel()

	p := newPlatform(t)
	p.again(p.changed("notes", domain.FileAdded, 5), false)
	p.while["notes 5"] = func() {
		m := p.changed("notes", domain.FileModified, 9)
		p.mu.Lock()
		delete(p.log, 9) // its event cannot be read
		p.mu.Unlock()
		p.publish("events", m)
	}
	p.dispatch("events", "replay")
	p.await("notes 5", "notes 9")
}
