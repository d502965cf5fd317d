package domain_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// A fileEvent is an event and the state that its file was in.
type fileEvent struct {
	event domain.FileChanged
	prev  domain.Revised
}

func fileChanged(change domain.FileChange, set func(*domain.FileChanged)) domain.FileChanged {
	e := domain.FileChanged{
		SourceID: source, OwnerID: owner, FileID: domain.NewPathFileID(source, []byte("a.go"), 0), JobID: job1,
		Run: 1, RunID: runA, Seq: 1, Change: change,
		FileState: domain.FileState{Path: "a.go", Kind: domain.KindFile, Revision: "r1", Attributes: map[string]string{}},
	}
	set(&e)
	return e
}

func content(first byte) *domain.ClaimCheck {
	return &domain.ClaimCheck{SHA256: domain.Digest{first}, Size: 1, Ref: domain.PackRef{Pack: "p", Length: 1}}
}

// fileEvents have different ids, each of them.
func fileEvents() map[string]fileEvent {
	plain := func(*domain.FileChanged) {}
	attributes := func(kv ...string) func(*domain.FileChanged) {
		return func(e *domain.FileChanged) {
			for i := 0; i < len(kv); i += 2 {
				e.Attributes[kv[i]] = kv[i+1]
			}
		}
	}
	return map[string]fileEvent{
		"added":                     {event: fileChanged(domain.FileAdded, plain)},
		"added after a removal":     {event: fileChanged(domain.FileAdded, plain), prev: domain.Revised{Run: 1, Seq: 5}},
		"added, later":              {event: fileChanged(domain.FileAdded, plain), prev: domain.Revised{Run: 2, Seq: 5}},
		"removed":                   {event: fileChanged(domain.FileRemoved, plain), prev: domain.Revised{Run: 1, Seq: 5}},
		"other revision":            {event: fileChanged(domain.FileAdded, func(e *domain.FileChanged) { e.Revision = "r2" })},
		"content":                   {event: fileChanged(domain.FileAdded, func(e *domain.FileChanged) { e.Content = content(1) })},
		"other content":             {event: fileChanged(domain.FileAdded, func(e *domain.FileChanged) { e.Content = content(2) })},
		"other path":                {event: fileChanged(domain.FileAdded, func(e *domain.FileChanged) { e.Path = "b.go" })},
		"other raw path":            {event: fileChanged(domain.FileAdded, func(e *domain.FileChanged) { e.PathRaw = []byte("a\xff.go") })},
		"attribute":                 {event: fileChanged(domain.FileAdded, attributes("a", "b"))},
		"attribute, swapped":        {event: fileChanged(domain.FileAdded, attributes("b", "a"))},
		"attributes":                {event: fileChanged(domain.FileAdded, attributes("a", "b", "c", "d"))},
		"attributes, cut elsewhere": {event: fileChanged(domain.FileAdded, attributes("a", "bc", "d", ""))},
		"other file": {event: fileChanged(domain.FileAdded, func(e *domain.FileChanged) {
			e.FileID = domain.NewPathFileID(source, []byte("a.go"), 1)
		})},
	}
}

func TestNewFileEventID(t *testing.T) {
	t.Parallel()

	seen := map[domain.EventID]string{}
	for name, e := range fileEvents() {
		id := domain.NewFileEventID(e.event, e.prev)
		if other, taken := seen[id]; taken {
			t.Errorf("%q and %q have one id", name, other)
		}
		seen[id] = name
	}
}

// What a second attempt does not know alike is not in the id: the run that
// emits, the place in it, where the content lies this time.
func TestNewFileEventIDRepeats(t *testing.T) {
	t.Parallel()

	prev := domain.Revised{Run: 1, Seq: 5}
	first := fileChanged(domain.FileModified, func(e *domain.FileChanged) { e.Content = content(1) })
	again := first
	again.Run, again.RunID, again.Seq, again.JobID, again.Revision = 9, runB, 77, job2, "touched"
	again.Content = &domain.ClaimCheck{SHA256: domain.Digest{1}, Size: 1, Ref: domain.PackRef{Pack: "other", Offset: 5, Length: 1}}
	if got, want := domain.NewFileEventID(again, prev), domain.NewFileEventID(first, prev); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func sortedLines(s string) string {
	lines := map[string]bool{}
	for line := range strings.Lines(s) {
		lines[line] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(lines)), "")
}
