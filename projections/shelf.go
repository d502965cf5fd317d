package projections

import (
	"github.com/confuse/data-connector/domain"
)

// A shelf keeps the rows of a table while a partition is folded in memory. It
// holds one row a key, in the order in which the keys came.
type shelf[K comparable] struct {
	index map[K]int
	rows  []shelved
}

// A shelved is a row, with what decides whether another one takes its place.
type shelved struct {
	tuple  tuple // nil: it was taken away
	source domain.SourceID
	at     domain.Revised
	offset int64
	stays  bool // also when its source is removed
}

func newShelf[K comparable]() *shelf[K] { return &shelf[K]{index: map[K]int{}} }

// find is the row of a key.
func (s *shelf[K]) find(key K) (shelved, bool) {
	i, ok := s.index[key]
	if !ok {
		return shelved{}, false
	}
	return s.rows[i], true
}

// put sets the row of a key and gives the one before.
func (s *shelf[K]) put(key K, row shelved) (old shelved) {
	if i, ok := s.index[key]; ok {
		old, s.rows[i] = s.rows[i], row
		return old
	}
	s.index[key] = len(s.rows)
	s.rows = append(s.rows, row)
	return shelved{}
}

// remove takes away what is left of removed sources.
func (s *shelf[K]) remove(gone map[domain.SourceID]bool) {
	for key, i := range s.index {
		if row := s.rows[i]; gone[row.source] && !row.stays {
			delete(s.index, key)
			s.rows[i] = shelved{}
		}
	}
}

// tuples hands the rows out, one a call.
func (s *shelf[K]) tuples() func() (tuple, bool) {
	var i int
	return func() (tuple, bool) {
		for i < len(s.rows) {
			i++
			if t := s.rows[i-1].tuple; t != nil {
				return t, true
			}
		}
		return nil, false
	}
}
