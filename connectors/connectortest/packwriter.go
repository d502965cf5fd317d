package connectortest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/confuse/data-connector/domain"
)

type packWriter struct {
	packs *Packs
	name  string
	bytes []byte
	kept  int
	done  bool // committed or discarded
}

func (w *packWriter) Stage(ctx context.Context, r io.Reader) (domain.Staged, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	return &staged{content: content}, nil
}

var errMisused = errors.New("pack used after its end, or staged content used twice")

func (w *packWriter) Keep(s domain.Staged) (domain.ClaimCheck, error) {
	content, ok := s.(*staged)
	if !ok || w.done || content.gone {
		return domain.ClaimCheck{}, fmt.Errorf("keep in %s: %w", w.name, errMisused)
	}
	c := domain.ClaimCheck{
		SHA256: s.Digest(), Size: s.Size(),
		Ref: domain.PackRef{Pack: w.name, Offset: int64(len(w.bytes)), Length: s.Size()},
	}
	w.bytes, content.gone = append(w.bytes, content.content...), true
	w.kept++
	return c, nil
}

func (w *packWriter) Commit(ctx context.Context) error {
	if w.done {
		return fmt.Errorf("commit %s: %w", w.name, errMisused)
	}
	w.done = true
	if err := ctx.Err(); err != nil || w.kept == 0 {
		return err
	}
	return w.packs.commit(w.name, w.bytes)
}

func (w *packWriter) Discard() error {
	w.done = true
	return nil
}

type staged struct {
	content []byte
	gone    bool // kept or dropped
}

func (s *staged) Digest() domain.Digest { return sha256.Sum256(s.content) }
func (s *staged) Size() int64           { return int64(len(s.content)) }
func (s *staged) Head() []byte          { return s.content[:min(len(s.content), headBytes)] }
func (s *staged) Drop()                 { s.gone = true }
