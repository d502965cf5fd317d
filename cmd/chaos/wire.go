package main

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// wireTime is how long a wire is left alone between two cuts.
	wireTime = 500 * time.Millisecond
	// slowTime is what each piece of data takes longer on a slow wire.
	slowTime = 50 * time.Millisecond
)

// A wire stands between a service and a broker. It can be slow, be cut, and let
// nobody through.
type wire struct {
	listener net.Listener
	target   string
	clock    domain.Clock

	mu     sync.Mutex
	isSlow bool
	isDown bool
	conns  []net.Conn
}

func newWire(ctx context.Context, target string, clock domain.Clock) (*wire, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: l, target: target, clock: clock}
	go w.serve(ctx)
	return w, nil
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) serve(ctx context.Context) {
	for {
		from, err := w.listener.Accept()
		if err != nil {
			return
		}
		to, err := new(net.Dialer).DialContext(ctx, "tcp", w.target)
		if err != nil {
			_ = from.Close() // the client sees a lost connection
			continue
		}
		if !w.keep(from, to) {
			continue
		}
		go w.forward(from, to)
		go w.forward(to, from)
	}
}

// keep keeps the two ends of a connection, or closes them while the brokers are
// away.
func (w *wire) keep(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isDown {
		for _, c := range ends {
			_ = c.Close() // nothing was written
		}
		return false
	}
	w.conns = append(w.conns, ends...)
	return true
}

// forward ends when either side does; the other one is closed by then.
func (w *wire) forward(from, to net.Conn) {
	_, _ = io.Copy(delayed{to, w}, from)
	_ = to.Close()
}

// delayed writes to a wire that may be slow.
type delayed struct {
	io.Writer
	wire *wire
}

func (d delayed) Write(p []byte) (int, error) {
	d.wire.mu.Lock()
	slow := d.wire.isSlow
	d.wire.mu.Unlock()
	if slow {
		<-d.wire.clock.After(slowTime)
	}
	return d.Writer.Write(p)
}

func (w *wire) slow(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isSlow = yes
}

// cut ends all connections; new ones can be made at once.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close() // it may be closed
	}
	w.conns = nil
}

// refuse takes the brokers away, or brings them back.
func (w *wire) refuse(yes bool) {
	w.mu.Lock()
	w.isDown = yes
	w.mu.Unlock()
	if yes {
		w.cut()
	}
}

func (w *wire) close() {
	_ = w.listener.Close() // ends serve
	w.cut()
}

// mount makes a file system in memory, of that size, in dir.
func mount(dir, size string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
}

func unmount(dir string) error {
	if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
		return err
	}
	return os.Remove(dir)
}
