package blob

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

// Create begins the pack name, packs/<source>/<run>-<run_id>/<n>; nothing is
// written before the first Keep. A committed pack of this name is replaced as a
// whole by Commit: names hold the id of their run, so that only the run itself
// could do it.
func (s *Store) Create(_ context.Context, name string) (domain.PackWriter, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &writer{store: s, name: name}, nil
}

type writer struct {
	store *Store
	name  string
	pack  object        // nil: nothing was kept yet
	buf   *bufio.Writer // to pack
	size  int64
	err   error // the first one: a pack with a torn item is not committed
	ended bool
}

var errEnded = errors.New("pack is committed or discarded")

// Keep appends s. After an error, ENOSPC for one, the pack cannot be committed.
func (w *writer) Keep(s domain.Staged) (domain.ClaimCheck, error) {
	item, ok := s.(*staged)
	if !ok || item.gone {
		return domain.ClaimCheck{}, fmt.Errorf("blob: keep in %q: content was not staged here or is used up", w.name)
	}
	defer item.Drop()
	if w.ended {
		return domain.ClaimCheck{}, fmt.Errorf("blob: keep in %q: %w", w.name, errEnded)
	}
	if w.err == nil {
		w.err = w.append(item)
	}
	if w.err != nil {
		return domain.ClaimCheck{}, fmt.Errorf("blob: keep in %q: %w", w.name, w.err)
	}
	ref := domain.PackRef{Pack: w.name, Offset: w.size, Length: item.body.size}
	w.size += item.body.size
	return domain.ClaimCheck{SHA256: item.digest, Size: item.size, Ref: ref}, nil
}

func (w *writer) append(s *staged) error {
	if w.pack == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	return s.body.copyTo(w.buf)
}

func (w *writer) begin() (err error) {
	if w.pack, err = w.store.driver.create(w.name); err != nil {
		return err
	}
	w.buf = bufio.NewWriterSize(w.pack, 256<<10)
	return nil
}

// Commit makes the pack durable and visible. After an error it is discarded.
func (w *writer) Commit(ctx context.Context) error {
	if w.ended {
		return fmt.Errorf("blob: commit %q: %w", w.name, errEnded)
	}
	err := errors.Join(ctx.Err(), w.err)
	if err == nil && w.pack != nil {
		err = w.publish(ctx)
	}
	if err != nil {
		return fmt.Errorf("blob: commit %q: %w", w.name, errors.Join(err, w.Discard()))
	}
	w.ended = true
	return nil
}

// publish keeps I1: all is durable when it returns.
func (w *writer) publish(ctx context.Context) error {
	if err := w.buf.Flush(); err != nil {
		return err
	}
	return w.pack.commit(ctx)
}

// Discard removes what was written. After Commit, or again, it does nothing.
func (w *writer) Discard() error {
	if w.ended {
		return nil
	}
	w.ended = true
	if w.pack == nil {
		return nil
	}
	if err := w.pack.discard(); err != nil {
		return fmt.Errorf("blob: discard %q: %w", w.name, err)
	}
	return nil
}
