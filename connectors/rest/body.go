package rest

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A body bounds an answer in size and time, and says of a connection that breaks
// that this passes.
type body struct {
	io.ReadCloser
	timer   *time.Timer
	timeout time.Duration
	end     func()
	once    sync.Once
	left    int64 // bytes that may come
	endless bool  // they may be any number, and time counts while nothing comes
	fail    func(kind error, what string) error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.endless && n > 0 {
		b.timer.Reset(b.timeout)
	}
	if b.left -= int64(n); b.left < 0 && !b.endless {
		return 0, b.fail(domain.ErrTooLarge, "answer is too large")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.fail(domain.ErrTransient, "answer is cut off")
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { b.timer.Stop(); b.end() })
	return err
}
