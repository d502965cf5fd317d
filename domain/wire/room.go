package wire

// What is set aside at once, in bytes: first as much as most events take, with key and
// headers, then twice as much each time.
const (
	firstRoom = 1280
	maxRoom   = 64 << 10
)

// A space is memory for texts, which is used from its beginning again after reset.
type space struct {
	room  []byte   // what is left of the last one of rooms in use
	rooms [][]byte // whole
	used  int      // of rooms
}

// roomFor gives an empty slice with room for about n bytes.
func (s *space) roomFor(n int) []byte {
	for cap(s.room) < n {
		if s.used == len(s.rooms) {
			s.rooms = append(s.rooms, make([]byte, 0, s.next(n)))
		}
		s.room = s.rooms[s.used]
		s.used++
	}
	return s.room
}

// next is the size of a new room for n bytes.
func (s *space) next(n int) int {
	size := firstRoom
	if s.used > 0 {
		size = min(2*cap(s.rooms[s.used-1]), maxRoom)
	}
	return max(n, size)
}

// taken notes that value, which was appended to the room, stays there, and gives it. A
// value that has outgrown the room takes what is left of it all the same: its beginning
// may be in use where it stood first.
func (s *space) taken(value []byte) []byte {
	n := len(value)
	if n == 0 {
		return value
	}
	if n > cap(s.room) || &value[0] != &s.room[:1][0] { // it has moved out
		s.room = nil
		return value
	}
	s.room = s.room[n:n:cap(s.room)]
	return value[:n:n]
}

func (s *space) reset() { s.room, s.used = nil, 0 }
