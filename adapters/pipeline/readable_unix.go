//go:build unix

package pipeline

import "syscall"

// canTell says that readable looks.
const canTell = true

// readable tells whether a socket that never waits has something to read, be it its
// end. It takes one byte: such a connection is not used again. That is half of what
// http.Transport's standing reader does, without its goroutine.
func readable(fd uintptr) bool {
	var one [1]byte
	_, err := syscall.Read(int(fd), one[:])
	return err != syscall.EAGAIN
}
