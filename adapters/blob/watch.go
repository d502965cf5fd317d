package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Libraries of clouds wait without end for a server that took the request, and
// Google's asks again without end. So there is a limit to each step: an answer,
// the next bytes of a pack, and the sending of some parts of one.
const (
	answerWithin = time.Minute
	sentWithin   = 5 * time.Minute // partsAtOnce parts, also by a line of 0.5 Mbit/s
)

// errStalled is not a context's error: nobody has stopped us, it may be tried again.
var errStalled = errors.New("content store gives no answer in time")

// A watch ends a request of which one step takes longer than limit.
type watch struct {
	ctx    context.Context // of the request
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

// watched begins with the first step. It is freed by end.
func watched(ctx context.Context, limit time.Duration) *watch {
	w := &watch{limit: limit}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(limit, func() { w.cancel(errStalled) })
	return w
}

// step begins the next one, and pause waits for nobody until then.
func (w *watch) step()  { w.timer.Reset(w.limit) }
func (w *watch) pause() { w.timer.Stop() }

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// why gives errStalled in the place of what comes of it.
func (w *watch) why(err error) error {
	if err != nil && errors.Is(context.Cause(w.ctx), errStalled) {
		return fmt.Errorf("%w: %s", errStalled, redacted{err}.Error()) // not wrapped: it is a context's error
	}
	return err
}

// watchedReader is a download. How long its reader takes between two reads is not
// the fault of the cloud.
type watchedReader struct {
	from  io.ReadCloser
	watch *watch
}

func (r *watchedReader) Read(p []byte) (int, error) {
	r.watch.step()
	n, err := r.from.Read(p)
	r.watch.pause()
	return n, r.watch.why(err)
}

func (r *watchedReader) Close() error {
	defer r.watch.end()
	return r.from.Close()
}

// watchedBody is an upload: each read begins the sending of a part.
type watchedBody struct {
	io.ReadSeeker
	watch *watch
}

func (b watchedBody) Read(p []byte) (int, error) {
	b.watch.step()
	return b.ReadSeeker.Read(p)
}
