package blob

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/confuse/data-connector/domain"
)

// headSize is how many bytes of an item are kept to tell language and binary.
const headSize = 2 << 10

// Stage reads r to its end and compresses it. What grows above 4 MiB compressed
// goes to disk. An error of r is in the error that is returned.
func (w *writer) Stage(ctx context.Context, r io.Reader) (domain.Staged, error) {
	s := &staged{body: spill{spool: w.store.spool}}
	in := &intake{ctx: ctx, from: r, hash: sha256.New()}
	if err := w.store.compress(in, &s.body); err != nil {
		s.Drop()
		return nil, fmt.Errorf("blob: stage: %w", err)
	}
	in.hash.Sum(s.digest[:0])
	s.size, s.head = in.size, in.head
	return s, nil
}

func (s *Store) compress(from io.Reader, to io.Writer) error {
	enc, err := s.codecs.encoder(to)
	if err != nil {
		return err
	}
	if _, err := enc.ReadFrom(from); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	s.codecs.putEncoder(enc)
	return nil
}

// An intake reads and notes what it has read.
type intake struct {
	ctx  context.Context
	from io.Reader
	hash hash.Hash
	size int64
	head []byte
}

func (i *intake) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := i.from.Read(p)
	_, _ = i.hash.Write(p[:n]) // a hash never fails
	i.size += int64(n)
	if need := headSize - len(i.head); need > 0 {
		i.head = append(i.head, p[:min(n, need)]...)
	}
	return n, err
}

// staged is one compressed item. A second Keep or a late Drop finds no bytes.
type staged struct {
	digest domain.Digest
	size   int64
	head   []byte
	body   spill
	gone   bool
}

func (s *staged) Digest() domain.Digest { return s.digest }
func (s *staged) Size() int64           { return s.size }
func (s *staged) Head() []byte          { return s.head }

func (s *staged) Drop() {
	if !s.gone {
		s.gone = true
		s.body.drop()
	}
}
