package projections

import "github.com/confuse/data-connector/domain"

// keyOverhead is about what a file takes in memory besides its row.
const keyOverhead = 160

// A fileShelf is the shelf of the files of a partition. There may be more of them
// than the memory takes, so their rows can go to the table before the partition
// is folded; what decides about later states of them stays. The row of a file
// that has another state then is stale, and is told, to be deleted.
type fileShelf struct {
	index map[domain.FileID]shelvedFile
	cells *cells // of the rows that are here: their tuples, one behind the other
	rows  []extent
	sent  int32 // how often rows went to the table
	stale *cells
	told  int // how many rows stale has
}

// A shelvedFile is the state of a file that counts so far.
type shelvedFile struct {
	source domain.SourceID
	at     domain.Revised
	offset int64
	row    int32 // where it is in rows
	sent   int32 // when its row was in rows
}

// An extent is where a tuple lies; an empty one was taken away.
type extent struct{ from, to int }

func newFileShelf() *fileShelf {
	return &fileShelf{index: map[domain.FileID]shelvedFile{}, cells: newCells(1), stale: newCells(1)}
}

// put takes the state of a file that rec carries, unless the one that is there
// counts more: each file has one source, and (run, seq) only grows, as in
// upsertFiles.
func (s *fileShelf) put(f fileOf, rec *domain.Record, owner domain.OwnerID) error {
	id := rec.Event.(domain.FileChanged).FileID
	old, ok := s.index[id]
	if ok && (old.source != f.source || !old.at.Before(f.at)) {
		return nil
	}
	if ok {
		s.drop(id, old, rec.Position.Partition)
	}
	from := len(s.cells.columns[0])
	s.cells.row(1 + len(fileTypes()))
	if err := addFile(s.cells, rec, owner); err != nil {
		return err
	}
	s.cells.int4(rec.Position.Partition)
	s.index[id] = shelvedFile{source: f.source, at: f.at, offset: rec.Position.Offset, row: int32(len(s.rows)), sent: s.sent} //nolint:gosec // rows are sent long before there are so many
	s.rows = append(s.rows, extent{from, len(s.cells.columns[0])})
	return nil
}

// drop takes a row away, or tells that it is stale.
func (s *fileShelf) drop(id domain.FileID, old shelvedFile, partition int32) {
	if old.sent == s.sent {
		s.rows[old.row] = extent{}
		return
	}
	s.stale.row(3)
	s.stale.id(id.UUID)
	s.stale.int4(partition)
	s.stale.int8(old.offset)
	s.told++
}

// remove takes away what is left of removed sources. Rows that went to the table
// are deleted with those of other partitions, see removeRows.
func (s *fileShelf) remove(gone map[domain.SourceID]bool) {
	for id, f := range s.index {
		if !gone[f.source] {
			continue
		}
		delete(s.index, id)
		if f.sent == s.sent {
			s.rows[f.row] = extent{}
		}
	}
}

// filled is about what the rows that are here fill, in bytes.
func (s *fileShelf) filled() int64 { return int64(len(s.cells.columns[0]) + 16*len(s.rows)) }

// here is about what the memory for the rows that are here takes, in bytes, filled
// or not.
func (s *fileShelf) here() int64 { return int64(cap(s.cells.columns[0]) + 16*cap(s.rows)) }

// left is about what all else takes.
func (s *fileShelf) left() int64 { return int64(len(s.index)*keyOverhead + cap(s.stale.columns[0])) }

// send hands the rows that are here out, one a call, and forgets them. The memory
// of spare, of an earlier call that has ended, is used again.
func (s *fileShelf) send(spare []byte) (rows func() (tuple, bool), memory []byte) {
	memory, extents, i := s.cells.columns[0], s.rows, 0
	s.cells.columns[0], s.rows = spare[:0], make([]extent, 0, len(extents))
	s.sent++
	return func() (tuple, bool) {
		for i < len(extents) {
			i++
			if x := extents[i-1]; x.to > 0 {
				return memory[x.from:x.to], true
			}
		}
		return nil, false
	}, memory
}

// staleRows are what is to be deleted of the table, as one tuple.
func (s *fileShelf) staleRows() func() (tuple, bool) { return once(s.stale.columns[0]) }
