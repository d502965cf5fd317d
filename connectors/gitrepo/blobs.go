package gitrepo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// blobs is a git that answers for objects: cat-file, one process for many of
// them, which begins with the first question. It is used by one goroutine.
type blobs struct {
	ctx  context.Context // of the one listing or reading that it serves
	p    *process        // nil: nothing was asked yet
	to   *io.PipeWriter
	repo *repo
	left int64 // of the body that is being read, with the newline behind it
}

// What is asked of an object.
const (
	askInfo     = "info"     // its size
	askContents = "contents" // size and bytes
)

func (r *repo) blobs(ctx context.Context) *blobs { return &blobs{ctx: ctx, repo: r} }

func (b *blobs) start() error {
	if b.p != nil {
		return nil
	}
	in, to := io.Pipe()
	p, err := b.repo.client.start(b.ctx, command{dir: b.repo.dir, in: in, args: []string{"cat-file", "--batch-command", "--buffer"}})
	if err != nil {
		return err
	}
	b.p, b.to = p, to
	return nil
}

// close ends the process. It may be called in the middle of an answer.
func (b *blobs) close() {
	if b.p == nil {
		return
	}
	_ = b.to.Close() // it never fails
	b.p.kill()
}

// An answer is what git says of an object.
type answer struct {
	size int64     // sizeLeftOut: it is not here
	body io.Reader // of contents, until the next one is asked for
}

// ask puts one question for each id, all at once, and hands out the answers in
// their order.
func (b *blobs) ask(verb string, ids []string, take func(i int, o answer) error) error {
	if len(ids) == 0 {
		return nil
	}
	if err := b.start(); err != nil {
		return err
	}
	go b.put(verb, ids)
	for i, id := range ids {
		o, err := b.next(verb, id)
		if err != nil {
			return fmt.Errorf("gitrepo: read object %s: %w", id, err)
		}
		if err := take(i, o); err != nil {
			return err
		}
		if err := b.skip(); err != nil {
			return fmt.Errorf("gitrepo: read object %s: %w", id, err)
		}
	}
	return nil
}

// put writes the questions beside the reading of the answers: neither side of a
// pipe takes all of them.
func (b *blobs) put(verb string, ids []string) {
	var text bytes.Buffer
	for _, id := range ids {
		text.WriteString(verb + " " + id + "\n")
	}
	text.WriteString("flush\n")
	_, _ = b.to.Write(text.Bytes()) // the reader of the answers sees that git has ended
}

func (b *blobs) next(verb, id string) (answer, error) {
	line, err := b.p.out.ReadString('\n')
	if err != nil {
		return answer{}, first(context.Cause(b.p.ctx), fmt.Errorf("%w: %s", err, b.p.errs))
	}
	fields := strings.Fields(line)
	switch {
	case len(fields) == 2 && fields[1] == "missing":
		return answer{size: sizeLeftOut}, nil
	case len(fields) != 3 || fields[0] != id:
		return answer{}, fmt.Errorf("%w: %.100q", errFormat, line)
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errFormat, err)
	}
	if verb == askInfo {
		return answer{size: size}, nil
	}
	b.left = size + 1
	return answer{size: size, body: &body{b}}, nil
}

// skip reads what was left of the last answer.
func (b *blobs) skip() error {
	n, err := discard(b.p.out, b.left)
	b.left -= n
	return err
}

func discard(r *bufio.Reader, n int64) (int64, error) {
	done, err := io.CopyN(io.Discard, r, n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return done, err
}

// A body reads one object.
type body struct{ of *blobs }

// Read implements io.Reader. An answer that is cut is
// ErrTransient.
func (b *body) Read(p []byte) (int, error) {
	if b.of.left <= 1 {
		return 0, io.EOF
	}
	if rest := b.of.left - 1; int64(len(p)) > rest {
		p = p[:rest]
	}
	n, err := b.of.p.out.Read(p)
	b.of.left -= int64(n)
	if errors.Is(err, io.EOF) {
		if err = context.Cause(b.of.p.ctx); err == nil {
			err = b.of.repo.damaged("read object", io.ErrUnexpectedEOF)
		}
	}
	return n, err
}
