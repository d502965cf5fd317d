package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/confuse/data-connector/domain"
)

// errStalls says why a file ended.
var errStalls = errors.New("the server stalls")

// flowing is a file that comes without long pauses: a server that stalls would hold
// the run of a source for good. How long all of it takes does not matter, nor does
// the time between two reads, which is the caller's.
type flowing struct {
	io.ReadCloser
	ctx  context.Context
	stop context.CancelCauseFunc
	idle *time.Timer
	most time.Duration
}

func newFlowing(ctx context.Context, most time.Duration) *flowing {
	f := &flowing{most: most}
	f.ctx, f.stop = context.WithCancelCause(ctx)
	f.idle = time.AfterFunc(most, func() { f.stop(errStalls) })
	return f
}

// begin opens the file.
func (f *flowing) begin(open func(context.Context) (io.ReadCloser, error)) (err error) {
	f.ReadCloser, err = open(f.ctx)
	f.idle.Stop()
	if err != nil {
		err = f.why(err)
		f.stop(nil)
	}
	return err
}

// Read ends with ErrTransient when no byte comes for too long.
func (f *flowing) Read(b []byte) (int, error) {
	f.idle.Reset(f.most)
	n, err := f.ReadCloser.Read(b)
	f.idle.Stop()
	return n, f.why(err)
}

// why is err, or what it comes from.
func (f *flowing) why(err error) error {
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(f.ctx), errStalls) {
		return fmt.Errorf("gitrepo: lfs: %w: %w", domain.ErrTransient, errStalls)
	}
	return err
}

// Close gives the file up.
func (f *flowing) Close() error {
	f.idle.Stop()
	f.stop(nil)
	return f.ReadCloser.Close()
}
