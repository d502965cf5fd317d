package localfs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/confuse/data-connector/domain"
)

var _ domain.Prober = (*Connector)(nil)

// Changed implements domain.Prober. It walks until it meets the first difference
// from what the last complete walk wrote into the cache: a file or symlink that is
// new, gone or has another stamp, or one that may have changed without a change of
// its stamp (git's racy rule). Without such a cache the answer is yes. It reads no
// content and writes nothing; the cursor says nothing to it. A root that is gone
// is ErrGone.
//
// It is no more than a hint: what came of the files that the last walk saw, it
// does not know.
func (c *Connector) Changed(ctx context.Context, s domain.Scope, _ domain.Cursor) (bool, error) {
	changed, _, err := c.probe(ctx, s)
	return changed, err
}

// probe is Changed, and whether there was something to compare with.
func (c *Connector) probe(ctx context.Context, s domain.Scope) (changed, compared bool, err error) {
	r, err := c.open(s)
	if err != nil {
		return false, false, err
	}
	defer r.close()
	if s.Cache == "" {
		return true, false, nil
	}
	stats, err := openOld(s.Cache, statsName)
	if err != nil {
		return false, false, fmt.Errorf("localfs: cache: %w", err)
	}
	if stats == nil {
		return true, false, nil
	}
	defer shut(stats)
	p := newProbe(newStream(bufio.NewReaderSize(stats, 64<<10)))
	if p.root.stamp.id != r.id {
		return true, true, nil
	}
	w := &walk{ctx: ctx, scope: s, path: r.path, own: c.own, to: p}
	if err := w.all(r.dir); err != nil && !errors.Is(err, errDiffers) {
		return false, true, err
	} else if err != nil {
		return true, true, nil
	}
	return p.met != p.root.stamp.size, true, nil // fewer: something is gone, or the cache is torn
}

// errDiffers ends a walk at the first difference.
var errDiffers = errors.New("differs from the last walk")

// A probe compares what a walk meets with what the last one saw.
type probe struct {
	last *stream
	root record
	at   time.Time // when the last walk began
	met  int64     // how much of it was there again
}

func newProbe(last *stream) *probe {
	root := last.take()
	return &probe{last: last, root: root, at: time.Unix(0, root.stamp.changed)}
}

func (p *probe) folder(*frame) error { return nil }

// fail lets pass what is not looked into: the last walk has no files there, or
// they are missed.
func (p *probe) fail(failure, string) error { return nil }

func (p *probe) leaf(f *frame, name string) error {
	is, err := f.stat(name)
	switch {
	case err != nil && scarce(err):
		return classify("look at a file", err)
	case err != nil:
		return nil // as in fail
	case !is.mode.IsRegular() && is.mode&fs.ModeSymlink == 0:
		return nil
	case !p.last.ok || p.last.head.path != f.path+name || !p.same(p.last.head, is.stamp):
		return errDiffers
	}
	p.met++
	p.last.take()
	return nil
}

// same reports whether is surely what was seen. A digest is known of nothing that
// was racy when it was read; what was never read must not have been racy when it
// was looked at.
func (p *probe) same(was record, is stamp) bool {
	return was.stamp == is && is.trusted() && (!was.digest.IsZero() || !is.racy(p.at))
}
