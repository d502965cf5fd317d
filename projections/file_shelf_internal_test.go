package projections

import "testing"

// Rows are sent when they are many, also into memory that was used before: its
// size is not that of the rows.
func TestWhatAShelfHoldsIsWhatWasPut(t *testing.T) {
	t.Parallel()

	s, spare, sends := newFileShelf(), []byte(nil), 0
	for range 100 {
		s.cells.text(string(make([]byte, 1000)))
		s.rows = append(s.rows, extent{to: 1})
		if s.filled() > 10_000 {
			sends++
			_, spare = s.send(spare)
		}
	}
	if sends != 10 {
		t.Errorf("got %d sends of 100 rows of 1,000 bytes where 10,000 are many, want 10", sends)
	}
	if s.here() < 10_000 {
		t.Errorf("got %d bytes of memory, want those that are used again", s.here())
	}
}
