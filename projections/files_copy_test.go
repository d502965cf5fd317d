package projections_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// Many new files at once come to the same rows as one after the other, also when
// some of them have rows: tombstones, late duplicates, a file of another source.
func TestManyNewFilesAtOnce(t *testing.T) {
	t.Parallel()

	const many = 100
	l := newLog(eventsTopic, 0)
	ann, bob := newStory(t, l, "ann"), newStory(t, l, "bob")
	ann.start()
	bob.start()
	mine := ann.file(domain.FileAdded, "mine", "one")
	var first []domain.FileChanged
	for i := range many {
		first = append(first, bob.file(domain.FileAdded, fmt.Sprint("early/", i), "one"))
	}
	cuts := []int{len(l.records)}
	for i := range 10 {
		bob.file(domain.FileRemoved, fmt.Sprint("early/", i*7), "")
	}
	cuts = append(cuts, len(l.records)-cuts[0])
	for i := range many { // the fallback: tombstones come back among new ones
		bob.file(domain.FileAdded, fmt.Sprint("late/", i), "two")
		if i < 10 {
			bob.file(domain.FileAdded, fmt.Sprint("early/", i*7), "two")
		}
	}
	bob.file(domain.FileModified, "late/3", "three")
	for _, again := range slices.Backward(first) { // duplicates, more than enough of them
		l.add(t, again)
	}
	theft := bob.changed(domain.FileAdded, "mine", "two")
	theft.FileID, theft.OwnerID = mine.FileID, "ann"
	l.add(t, theft)

	alone, cut, whole := newWorld(t), newWorld(t), newWorld(t)
	alone.project(t, l, slices.Repeat([]int{1}, len(l.records)-1)...)
	cut.project(t, l, cuts...)
	whole.project(t, l)
	want := alone.rows(t)
	if len(want["files"]) != 1+2*many {
		t.Fatalf("got %d files, want %d", len(want["files"]), 1+2*many)
	}
	sameRows(t, want, cut.rows(t))
	sameRows(t, want, whole.rows(t))
	if got := whole.inSavepoints(t); got != 2*many { // all but the file that was modified, too
		t.Errorf("got %d rows that were copied, want %d", got, 2*many)
	}
	if got := alone.inSavepoints(t); got != 0 {
		t.Errorf("got %d rows that were copied one by one", got)
	}
}

// inSavepoints counts the files that were written in one: it has a number of its own
// among transactions, other than that of the last batch.
func (w *world) inSavepoints(t *testing.T) (n int) {
	t.Helper()
	err := w.db.QueryRow(t.Context(), `
		SELECT count(*) FROM files WHERE xmin::text::bigint > (SELECT min(xmin::text::bigint) FROM checkpoints)`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
