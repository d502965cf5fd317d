package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"

	"github.com/klauspost/compress/zstd"

	"github.com/confuse/data-connector/domain"
)

// Open gives the bytes of c. The last of them are handed out only when digest
// and size are right, so that a reader who counts and stops there is not
// deceived either; ErrContentLost stands in their place. It is returned at once
// when the pack is missing or ends before the item does. A store that is missing
// as a whole has lost nothing: that is another error, and so is one that cannot
// be reached. ctx ends the reading, too.
func (s *Store) Open(ctx context.Context, c domain.ClaimCheck) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ref := c.Ref
	if err := checkName(ref.Pack); err != nil {
		return nil, fmt.Errorf("blob: %w: %w", domain.ErrContentLost, err)
	}
	if c.Size < 0 || ref.Offset < 0 || ref.Length <= 0 || ref.Offset > math.MaxInt64-ref.Length {
		return nil, s.missing(ctx, ref, errShort)
	}
	from, err := s.driver.open(ctx, ref.Pack, ref.Offset, ref.Length)
	if err != nil {
		return nil, s.missing(ctx, ref, err)
	}
	r := &reader{from: from, want: c, left: c.Size, hash: sha256.New(), codecs: &s.codecs}
	r.frame.from = from
	if r.dec, err = s.codecs.decoder(&r.frame); err != nil {
		_ = from.Close() // only read
		return nil, r.failed(err)
	}
	return r, nil
}

// missing tells bytes that are gone from a place that cannot be asked.
func (s *Store) missing(ctx context.Context, ref domain.PackRef, err error) error {
	lost := errors.Is(err, errShort)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.driver.check(ctx); err != nil {
			return fmt.Errorf("blob: open pack %q: %w", ref.Pack, err)
		}
		lost = true
	}
	if lost {
		err = fmt.Errorf("%w: %w", domain.ErrContentLost, err)
	}
	return fmt.Errorf("blob: open %d+%d in pack %q: %w", ref.Offset, ref.Length, ref.Pack, err)
}

// reader is one item. It is not for concurrent use.
type reader struct {
	from   io.Closer
	want   domain.ClaimCheck
	left   int64 // bytes, uncompressed
	hash   hash.Hash
	frame  frame
	dec    *zstd.Decoder
	codecs *codecs
	err    error // what every further Read returns
}

// Read gives further bytes; ErrContentLost when they cannot be those of c.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	n, err := r.dec.Read(p)
	r.err = r.check(p[:n], err)
	if r.err != nil && !errors.Is(r.err, io.EOF) {
		return 0, r.err
	}
	return n, r.err
}

// check says how a Read that gave p and err ends.
func (r *reader) check(p []byte, err error) error {
	r.left -= int64(len(p))
	if r.left < 0 {
		return r.lost("is longer")
	}
	_, _ = r.hash.Write(p) // a hash never fails
	if err == nil && r.left == 0 {
		err = r.finish()
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, io.EOF) {
		return r.failed(err)
	}
	if r.left > 0 {
		return r.lost("is shorter")
	}
	if !bytes.Equal(r.hash.Sum(nil), r.want.SHA256[:]) {
		return r.lost("has another digest")
	}
	return io.EOF
}

// finish reads the end of the frame behind the last byte of the item.
func (r *reader) finish() error {
	n, err := io.ReadFull(r.dec, make([]byte, 1))
	if n > 0 {
		return r.lost("is longer")
	}
	return err
}

func (r *reader) lost(why string) error {
	return fmt.Errorf("blob: %w: item at %d of pack %q %s", domain.ErrContentLost, r.want.Ref.Offset, r.want.Ref.Pack, why)
}

// failed tells a place that cannot be read, which may pass, from a bad frame.
func (r *reader) failed(err error) error {
	if r.frame.err != nil {
		return fmt.Errorf("blob: read pack %q: %w", r.want.Ref.Pack, r.frame.err)
	}
	return fmt.Errorf("%w: %w", r.lost("is damaged"), err)
}

// Close frees the file or the connection. A Read after it fails.
func (r *reader) Close() error {
	if r.dec == nil {
		return nil
	}
	r.codecs.putDecoder(r.dec)
	r.dec, r.err = nil, fs.ErrClosed
	return r.from.Close()
}

// A frame notes why reading stopped before the end.
type frame struct {
	from io.Reader
	err  error
}

func (f *frame) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}
