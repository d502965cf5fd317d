package pipeline_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A neighbour that says something more when nobody asks, such as that it waited long
// enough for the next request (408: RFC 9110, 15.5.9), is not understood as answering that: the
// connection is given up, and the next request gets its own answer, each asked once.
func TestLateUnaskedAnswer(t *testing.T) {
	t.Parallel()

	for name, late := range map[string]string{
		"timeout":       "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"second answer": "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 0\r\n\r\n",
		"a success":     noContent,
		"no HTTP":       "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var asked atomic.Int64
			said, more := make(chan struct{}), make(chan struct{})
			c := crude(t, func(number int, c net.Conn, in *bufio.Reader) {
				for request(in) {
					asked.Add(1)
					_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", number)
					<-more
					_, _ = io.WriteString(c, late)
					arrived(c)
					said <- struct{}{}
				}
			})
			for want := 1; want <= 3; want++ {
				var number int
				if err := c.PostJSON(t.Context(), "/", "", 1, &number); err != nil || number != want {
					t.Fatalf("got %v and connection %d, want a new one each time: %d", err, number, want)
				}
				more <- struct{}{}
				<-said
			}
			if n := asked.Load(); n != 3 {
				t.Errorf("got %d requests, want 3", n)
			}
		})
	}
}

// A connection that was closed while nobody used it is not asked at all: a request
// that may not be repeated does not fail for it.
func TestClosedConnectionIsNotUsed(t *testing.T) {
	t.Parallel()

	var asked atomic.Int64
	said := make(chan struct{})
	c := crude(t, func(_ int, c net.Conn, in *bufio.Reader) {
		if request(in) {
			asked.Add(1)
			_, _ = io.WriteString(c, noContent)
			_ = c.(*net.TCPConn).CloseWrite()
			arrived(c)
			said <- struct{}{}
		}
	})
	for range 3 {
		if err := c.PostJSON(t.Context(), "/", "", 1, nil); err != nil {
			t.Fatal(err)
		}
		<-said
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("got %d requests, want 3", n)
	}
}

// arrived waits until the other end's system has all that was written to c.
func arrived(c net.Conn) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	for left := 1; left > 0; {
		_ = raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
		if err != nil {
			return
		}
		<-time.After(time.Millisecond)
	}
}
