package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"regexp"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/confuse/data-connector/domain"
)

// A bucket keeps packs in the objects of a cloud.
type bucket struct {
	objects *blob.Bucket
	spool   spool
}

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
	s := newBucket(objects, unlinked{system{}})
	if err := s.Check(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// newBucket gives the store in objects. Its temporary files lie in $TMPDIR.
func newBucket(objects *blob.Bucket, d disk) *Store {
	local := spool{disk: d, dir: os.TempDir()}
	return &Store{driver: &bucket{objects: objects, spool: local}, spool: local}
}

func (b *bucket) close() error { return classify(b.objects.Close()) }

func (b *bucket) check(ctx context.Context) error {
	there, err := b.objects.IsAccessible(ctx)
	if err == nil && !there {
		return errors.New("bucket of the content store is missing")
	}
	return classify(err)
}

func (b *bucket) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.objects.NewRangeReader(ctx, name, offset, length, nil)
	if err != nil {
		return nil, b.refused(ctx, name, offset+length, err)
	}
	if r.Size() < offset+length {
		_ = r.Close() // only read
		return nil, errShort
	}
	return r, nil
}

// refused tells why a range was not given. Clouds differ in what they say of one
// behind the end, so it looks at the size.
func (b *bucket) refused(ctx context.Context, name string, end int64, err error) error {
	if gcerrors.Code(err) != gcerrors.NotFound {
		if is, failed := b.objects.Attributes(ctx, name); failed == nil && is.Size < end {
			return errShort
		}
	}
	return classify(err)
}

func (b *bucket) list(ctx context.Context, prefix string) iter.Seq2[domain.PackInfo, error] {
	return func(yield func(domain.PackInfo, error) bool) {
		objects := b.objects.List(&blob.ListOptions{Prefix: prefix})
		for {
			o, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = ctx.Err() // what is left of a page is given without asking
			}
			if err != nil {
				yield(domain.PackInfo{}, classify(err))
				return
			}
			if !yield(domain.PackInfo{Name: o.Key, Size: o.Size, ModTime: o.ModTime}, nil) {
				return
			}
		}
	}
}

func (b *bucket) delete(ctx context.Context, name string) error {
	err := b.objects.Delete(ctx, name)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return classify(err)
}

// classify turns errors of a cloud into ours and hides the queries of the
// addresses in their texts: a token may be there (I7).
func classify(err error) error {
	if err == nil {
		return nil
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return redacted{err}
}

type redacted struct{ cause error }

func (r redacted) Error() string {
	return regexp.MustCompile(`\?[^\s"]+`).ReplaceAllString(r.cause.Error(), "?...")
}

func (r redacted) Unwrap() error { return r.cause }
