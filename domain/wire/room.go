package wire

// What is set aside at once, in bytes: first as much as most events take, with key and
// headers, then twice as much each time.
const (
	firstRoom = 1280
	maxRoom   = 64 << 10
)

// roomFor gives an empty slice with room for about n bytes.
func (c *Encoder) roomFor(n int) []byte {
	if cap(c.room) < n {
		c.size = max(n, min(max(firstRoom, 2*c.size), maxRoom))
		c.room = make([]byte, 0, c.size)
	}
	return c.room
}

// taken notes that value, which was appended to the room, stays there, and gives it.
func (c *Encoder) taken(value []byte) []byte {
	n := len(value)
	if n == 0 || n > cap(c.room) || &value[0] != &c.room[:1][0] { // it has moved out
		return value
	}
	c.room = c.room[n:n:cap(c.room)]
	return value[:n:n]
}
