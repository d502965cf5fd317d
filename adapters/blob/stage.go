package blob

import (
	"bytes"
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
	s, err := w.store.stage(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("blob: stage: %w", err)
	}
	return s, nil
}

func (s *Store) stage(ctx context.Context, r io.Reader) (*staged, error) {
	p, err := s.codecs.press()
	if err != nil {
		return nil, err
	}
	defer s.codecs.putPress(p)
	n, err := fill(ctx, r, p.in)
	switch {
	case err == io.EOF: //nolint:errorlint // itself: one that is wrapped says that r broke off
		return s.stageSmall(p, p.in[:n])
	case err != nil:
		return nil, err
	}
	return s.stageLarge(ctx, io.MultiReader(bytes.NewReader(p.in), r))
}

// fill reads into the whole of buf. io.EOF, as it is: r came to its end before.
func fill(ctx context.Context, r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		var more int
		more, err = r.Read(buf[n:])
		n += more
	}
	if n == len(buf) && err == io.EOF { // the next read says so again
		err = nil
	}
	return n, err
}

// stageSmall stages content that lies in memory as a whole, in one piece of memory.
func (s *Store) stageSmall(p *press, content []byte) (item *staged, err error) {
	memory := s.codecs.scrap()
	head := min(len(content), headSize)
	if memory.bytes, err = p.append(append(memory.bytes[:0], content[:head]...), content); err != nil {
		return nil, err
	}
	body := memory.bytes[head:]
	return &staged{
		digest: sha256.Sum256(content), size: int64(len(content)), head: memory.bytes[:head:head],
		body: spill{spool: s.spool, mem: *bytes.NewBuffer(body), size: int64(len(body))}, memory: memory, codecs: &s.codecs,
	}, nil
}

func (s *Store) stageLarge(ctx context.Context, r io.Reader) (*staged, error) {
	item := &staged{body: spill{spool: s.spool}}
	in := &intake{ctx: ctx, from: r, hash: sha256.New()}
	if err := s.compress(in, &item.body); err != nil {
		item.Drop()
		return nil, err
	}
	in.hash.Sum(item.digest[:0])
	item.size, item.head = in.size, in.head
	return item, nil
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

	memory *scrap // that head and body lie in; nil: in memory of their own
	codecs *codecs
}

func (s *staged) Digest() domain.Digest { return s.digest }
func (s *staged) Size() int64           { return s.size }
func (s *staged) Head() []byte          { return s.head }

func (s *staged) Drop() {
	if !s.gone {
		s.gone = true
		s.body.drop()
		if s.memory != nil {
			s.codecs.putScrap(s.memory)
			s.head, s.memory = nil, nil
		}
	}
}
