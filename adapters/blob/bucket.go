package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"time"

	"gocloud.dev/blob"

	"github.com/confuse/data-connector/domain"
)

// A bucket keeps packs in the objects of a cloud.
type bucket struct {
	objects *blob.Bucket
	spool   spool
	limits  limits
}

// limits say how long a cloud may take.
type limits struct{ answer, sent time.Duration }

// openBucket also looks whether the bucket is there and open to us.
func openBucket(ctx context.Context, u *url.URL) (*Store, error) {
	host := *u
	host.Path = ""
	forever := context.WithoutCancel(ctx) // Google's library fetches its tokens under it, for as long as the store is open
	objects, err := blob.DefaultURLMux().OpenBucketURL(forever, &host)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", classify(err))
	}
	if prefix := prefixOf(u); prefix != "" {
		objects = blob.PrefixedBucket(objects, prefix)
	}
	s := newBucket(objects, unlinked{system{}}, limits{answer: answerWithin, sent: sentWithin})
	if err := s.Check(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// newBucket gives the store in objects. Its temporary files lie in $TMPDIR.
func newBucket(objects *blob.Bucket, d disk, within limits) *Store {
	local := spool{disk: d, dir: os.TempDir()}
	return &Store{driver: &bucket{objects: objects, spool: local, limits: within}, spool: local}
}

func (b *bucket) close() error { return classify(b.objects.Close()) }

func (b *bucket) check(ctx context.Context) error {
	w := watched(ctx, b.limits.answer)
	defer w.end()
	_, _, err := b.objects.ListPage(w.ctx, blob.FirstPageToken, 1, nil)
	if gone(err) {
		return errors.New("bucket of the content store is missing")
	}
	return classify(w.why(err))
}

func (b *bucket) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	w := watched(ctx, b.limits.answer)
	r, err := b.objects.NewRangeReader(w.ctx, name, offset, length, nil)
	w.pause()
	if err != nil {
		defer w.end()
		return nil, b.refused(w, name, offset+length, err)
	}
	from := &watchedReader{from: r, watch: w}
	if r.Size() < offset+length {
		_ = from.Close() // only read
		return nil, errShort
	}
	return from, nil
}

// refused tells why a range was not given. Clouds differ in what they say of one
// behind the end, so it looks at the size.
func (b *bucket) refused(w *watch, name string, end int64, err error) error {
	if !gone(err) {
		w.step()
		if is, failed := b.objects.Attributes(w.ctx, name); failed == nil && is.Size < end {
			return errShort
		}
	}
	return classify(w.why(err))
}

func (b *bucket) list(ctx context.Context, prefix string) iter.Seq2[domain.PackInfo, error] {
	return func(yield func(domain.PackInfo, error) bool) {
		objects := b.objects.List(&blob.ListOptions{Prefix: prefix})
		w := watched(ctx, b.limits.answer)
		defer w.end()
		for {
			w.step()
			o, err := objects.Next(w.ctx)
			w.pause()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = ctx.Err() // what is left of a page is given without asking
			}
			if err != nil {
				yield(domain.PackInfo{}, classify(w.why(err)))
				return
			}
			if !yield(domain.PackInfo{Name: o.Key, Size: o.Size, ModTime: o.ModTime}, nil) {
				return
			}
		}
	}
}

func (b *bucket) delete(ctx context.Context, name string) error {
	w := watched(ctx, b.limits.answer)
	defer w.end()
	err := b.objects.Delete(w.ctx, name)
	if gone(err) {
		return nil
	}
	return classify(w.why(err))
}
