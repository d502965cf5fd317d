package pipeline

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// maxHead is how many bytes of an answer may come before its body.
	maxHead = 1 << 20
	// maxEarly is how many answers of the kind 1xx may come before the one that
	// counts.
	maxEarly = 5
	// userAgent is that of http.Request.Write.
	userAgent = "User-Agent: Go-http-client/1.1\r\n"
)

var (
	errHead     = errors.New("headers of an answer are too long")
	errLength   = errors.New("body of another length than was said")
	errProtocol = errors.New("the neighbour does not speak HTTP as it was asked")
)

// A conn is a connection to a neighbour. It is used by one request at a time.
type conn struct {
	net      net.Conn
	raw      syscall.RawConn // of net; nil: it has none
	look     func(fd uintptr)
	heard    bool  // by look
	idle     *idle // where it goes when it is free
	in       *bufio.Reader
	out      *bufio.Writer
	left     int64 // bytes that may be read
	answered bool  // something came since the last request
	sent     bool  // that was written as a whole
	sweeps   int   // of idle, when it was put there

	mu    sync.Mutex
	done  <-chan struct{} // of the context that ends what is asked; nil: none
	watch func() bool     // ends waiting for done
}

func newConn(to net.Conn, at *idle) *conn {
	c := &conn{net: to, idle: at}
	c.in, c.out = bufio.NewReader(c), bufio.NewWriter(hidden{to})
	if of, ok := to.(syscall.Conn); ok {
		c.raw, _ = of.SyscallConn() // nil after an error
	}
	c.look = func(fd uintptr) { c.heard = readable(fd) } // made once: it is called for each request
	return c
}

// A hidden is a writer and nothing else: net.TCPConn would rather read the body by
// itself, with more calls of the system.
type hidden struct{ io.Writer }

// Read implements io.Reader.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHead
	}
	n, err := c.net.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.answered = c.answered || n > 0
	return n, err
}

// quiet tells whether nothing came while nobody used c, as far as can be told
// without waiting.
func (c *conn) quiet() bool {
	return c.raw != nil && c.raw.Control(c.look) == nil && !c.heard
}

func (c *conn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watch != nil {
		c.watch()
	}
	c.done = nil
	_ = c.net.Close() // nothing is written any more
}

// endBy has what is asked end at a time, which zero is none, and with ctx. Waiting for
// ctx goes on until something is asked in another one: most is asked in one and the same.
func (c *conn) endBy(ctx context.Context, until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done := ctx.Done(); done != c.done {
		if c.watch != nil {
			c.watch()
		}
		c.done, c.watch = done, nil
		if done != nil {
			c.watch = context.AfterFunc(ctx, func() { c.giveUp(done) })
		}
	}
	if err := c.net.SetDeadline(until); err != nil {
		return err
	}
	return ctx.Err() // one that ended before found the deadline that was replaced
}

// giveUp ends what is asked in the context of done.
func (c *conn) giveUp(done <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == done {
		_ = c.net.SetDeadline(time.Unix(1, 0)) // what has one in the past ends at once
	}
}

// reason is err, or why it came to that.
func reason(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return context.DeadlineExceeded
	}
	return err
}

// ask sends req and reads the head of its answer, until a time; zero: there is none.
// The body must be read to its end for the connection to be used again. An error closes
// the connection.
func (c *conn) ask(req *http.Request, until time.Time) (*http.Response, error) {
	ctx := req.Context()
	err := c.endBy(ctx, until)
	if err != nil {
		_ = req.Body.Close() // was not read
		c.close()
		return nil, reason(ctx, err)
	}
	resp, err := c.exchange(req)
	if err != nil {
		c.close()
		return nil, reason(ctx, err)
	}
	a := &answer{ReadCloser: resp.Body, conn: c, ctx: ctx, keep: !resp.Close}
	if resp.Body == http.NoBody {
		a.end()
		return resp, nil
	}
	resp.Body = a
	return resp, nil
}

func (c *conn) exchange(req *http.Request) (*http.Response, error) {
	c.left, c.answered, c.sent = maxHead, false, false
	if err := c.write(req); err != nil {
		return nil, err
	}
	c.sent = true
	for range maxEarly + 1 {
		resp, err := http.ReadResponse(c.in, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode/100 != 1 {
			c.left = math.MaxInt64
			return resp, nil
		}
	}
	return nil, errProtocol
}

// write is http.Request.Write for what direct suits: a short body of a known length.
func (c *conn) write(req *http.Request) error {
	defer req.Body.Close() //nolint:errcheck // it is read from memory
	var buf [20]byte
	for _, text := range []string{
		req.Method, " ", req.URL.RequestURI(), " HTTP/1.1\r\nHost: ", req.URL.Host,
		"\r\nContent-Length: ", string(strconv.AppendInt(buf[:0], req.ContentLength, 10)), "\r\n",
	} {
		_, _ = c.out.WriteString(text) // Flush tells
	}
	if req.Header.Get("User-Agent") == "" {
		_, _ = c.out.WriteString(userAgent)
	}
	for name, values := range req.Header { // isPlain has seen them
		for _, value := range values {
			for _, text := range [...]string{name, ": ", value, "\r\n"} {
				_, _ = c.out.WriteString(text) // likewise
			}
		}
	}
	_, _ = c.out.WriteString("\r\n")
	n, err := io.Copy(c.out, req.Body)
	switch {
	case err != nil:
		return err
	case n != req.ContentLength:
		return errLength
	}
	return c.out.Flush()
}

// An answer is the body of one.
type answer struct {
	io.ReadCloser
	conn *conn
	ctx  context.Context // of the request
	keep bool            // the connection, once the body is read
	done bool
}

// Read implements io.Reader.
func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		a.end()
	default:
		err = reason(a.ctx, err)
	}
	return n, err
}

// Close implements io.Closer. What is left of the body is not read.
func (a *answer) Close() error {
	a.keep = false
	a.end()
	return nil
}

// end frees the connection.
func (a *answer) end() {
	if a.done {
		return
	}
	a.done = true
	if a.ctx.Err() == nil && a.keep && a.conn.in.Buffered() == 0 {
		a.conn.idle.put(a.conn)
		return
	}
	a.conn.close()
}
