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
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/confuse/data-connector/domain"
)

// Open gives the bytes of c. The last of them are handed out only when digest
// and size are right, so that a reader who counts and stops there is not
// deceived either; ErrContentLost stands in their place. It is returned at once
// when the pack is missing or ends before the item does.
func (s *Store) Open(ctx context.Context, c domain.ClaimCheck) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkName(c.Ref.Pack); err != nil {
		return nil, fmt.Errorf("blob: %w: %w", domain.ErrContentLost, err)
	}
	f, err := os.Open(s.path(c.Ref.Pack))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob: %w: %w", domain.ErrContentLost, err)
	}
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	r, err := s.newReader(f, c)
	if err != nil {
		_ = f.Close() // only read
		return nil, err
	}
	return r, nil
}

func (s *Store) newReader(f *os.File, c domain.ClaimCheck) (*reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	ref := c.Ref
	if !info.Mode().IsRegular() || ref.Offset < 0 || ref.Length < 0 || c.Size < 0 || ref.Offset > info.Size()-ref.Length {
		return nil, fmt.Errorf("blob: %w: no bytes %d+%d in pack %q", domain.ErrContentLost, ref.Offset, ref.Length, ref.Pack)
	}
	r := &reader{file: f, want: c, left: c.Size, hash: sha256.New(), codecs: &s.codecs}
	r.frame.from = io.NewSectionReader(f, ref.Offset, ref.Length)
	if r.dec, err = s.codecs.decoder(&r.frame); err != nil {
		return nil, r.failed(err)
	}
	return r, nil
}

// reader is one item. It is not for concurrent use.
type reader struct {
	file   *os.File
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

// failed tells a disk that cannot be read, which may pass, from a bad frame.
func (r *reader) failed(err error) error {
	if r.frame.err != nil {
		return fmt.Errorf("blob: read pack %q: %w", r.want.Ref.Pack, r.frame.err)
	}
	return fmt.Errorf("%w: %w", r.lost("is damaged"), err)
}

// Close frees the file. A Read after it fails.
func (r *reader) Close() error {
	if r.dec == nil {
		return nil
	}
	r.codecs.putDecoder(r.dec)
	r.dec, r.err = nil, fs.ErrClosed
	return r.file.Close()
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
