package ingest

import (
	"cmp"
	"iter"
	"slices"

	"github.com/confuse/data-connector/domain"
)

// maxCandidates is how many vanished files with one content are looked at for the
// best match. Empty files are many.
const maxCandidates = 64

// vanished are the known files that a complete listing did not name. New files
// may turn out to be them: renames. The files lie on disk; memory holds about 40
// bytes for each.
type vanished struct {
	files    *records[lost]
	offsets  []int64
	claimed  []bool
	explicit int // left out by the filter, not by absence
	byKey    []lostKey
	heads    map[uint64]int // where in byKey the unclaimed ones of a key begin, once some are claimed
}

type lost struct {
	File     domain.File
	Explicit bool // the filters left it out
}

type lostKey struct {
	key uint64
	nth int // index of offsets and claimed
}

func newVanished(dir string) (*vanished, error) {
	files, err := newRecords[lost](dir, "vanished")
	return &vanished{files: files, heads: map[uint64]int{}}, err
}

// add notes a file, in the order of the listing.
func (v *vanished) add(f domain.File, explicit bool) error {
	offset, err := v.files.add(lost{File: f, Explicit: explicit})
	if err != nil {
		return err
	}
	nth := len(v.offsets)
	v.offsets, v.claimed = append(v.offsets, offset), append(v.claimed, false)
	if explicit {
		v.explicit++
		return nil // it is no candidate: the filters do not want it
	}
	for _, key := range keysOf(f.Content, f.Revision) {
		v.byKey = append(v.byKey, lostKey{key, nth})
	}
	return nil
}

// seal ends the adding.
func (v *vanished) seal() error {
	slices.SortFunc(v.byKey, func(a, b lostKey) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.nth, b.nth)) })
	return v.files.seal()
}

// has reports whether item may be a vanished file, going by what was listed.
func (v *vanished) has(item domain.Item) bool {
	for _, key := range listedKeys(item, domain.Digest{}) {
		for range v.candidates(key) {
			return true
		}
	}
	return false
}

// candidates are the unclaimed files of a key, in the order of the listing.
func (v *vanished) candidates(key uint64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := v.begin(key); i < len(v.byKey) && v.byKey[i].key == key; i++ {
			if !v.claimed[v.byKey[i].nth] && !yield(v.byKey[i].nth) {
				return
			}
		}
	}
}

// take claims a file and moves the beginning of its key past the claimed ones.
func (v *vanished) take(key uint64, nth int) {
	v.claimed[nth] = true
	i := v.begin(key)
	for i < len(v.byKey) && v.byKey[i].key == key && v.claimed[v.byKey[i].nth] {
		i++
	}
	v.heads[key] = i
}

// begin is where the unclaimed files of a key begin.
func (v *vanished) begin(key uint64) int {
	if i, ok := v.heads[key]; ok {
		return i
	}
	i, _ := slices.BinarySearchFunc(v.byKey, key, func(k lostKey, key uint64) int { return cmp.Compare(k.key, key) })
	return i
}

// left gives the files that nothing claimed, in the order of the listing.
func (v *vanished) left() iter.Seq2[lost, error] {
	return func(yield func(lost, error) bool) {
		nth := 0
		for l, err := range v.files.all() {
			taken := err == nil && v.claimed[nth]
			nth++
			if !taken && !yield(l, err) {
				return
			}
		}
	}
}

// inferred is how many files are missing by absence alone.
func (v *vanished) inferred() int {
	n := len(v.claimed) - v.explicit
	for _, c := range v.claimed {
		if c {
			n--
		}
	}
	return n
}
