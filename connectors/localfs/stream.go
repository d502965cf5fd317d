package localfs

import "bufio"

// A stream gives records in the order of their paths. It ends where they are
// torn, damaged or out of order.
type stream struct {
	r    *bufio.Reader
	head record // the next one, if ok
	ok   bool
	any  bool // there was a record of a file
}

func newStream(r *bufio.Reader) *stream {
	s := &stream{r: r}
	s.take()
	return s
}

// take gives the head and reads the next one.
func (s *stream) take() record {
	last := s.head
	next, err := readRecord(s.r)
	s.head, s.ok = next, err == nil && next.path >= last.path
	s.any = s.any || s.ok && next.path != ""
	return last
}
