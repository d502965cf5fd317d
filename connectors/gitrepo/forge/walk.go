package forge

import (
	"context"
	"fmt"
	"time"

	"github.com/confuse/data-connector/domain"
)

// MaxReadings is how often a page or a list is read until it can be trusted.
const MaxReadings = 4

// Filled asks again for a page that has nothing but names a next one: whether it
// should have held something cannot be seen (I8). ErrPartial: it stays empty.
func Filled[T any](get func() (found []T, more bool, err error)) ([]T, bool, error) {
	for range MaxReadings {
		found, more, err := get()
		if err != nil || len(found) > 0 || !more {
			return found, more, err
		}
	}
	return nil, false, fmt.Errorf("forge: a page stays empty: %w", domain.ErrPartial)
}

// A Timeline is a list of what changed at a time or later, the oldest change first.
type Timeline[T any] struct {
	Page func(ctx context.Context, since time.Time, page int) (found []T, more bool, err error)
	At   func(T) time.Time // of the last change
	Key  func(T) string
}

// Walk reads it from since. Each page is asked for with the time at which the one
// before ended, so what is deleted or changes meanwhile shifts nothing out of sight;
// what changes comes once more. Pages are counted only within one moment, and there
// each must join the one before. next is where a later walk goes on; empty: the end.
// ErrPartial: pages are not in their order, or empty.
func (l Timeline[T]) Walk(ctx context.Context, since time.Time, take func(found []T, next string) error) error {
	var tail string // key of the last one of the page before
	for page, restarts := 1, 0; ; page++ {
		found, more, err := Filled(func() ([]T, bool, error) { return l.Page(ctx, since, page) })
		if err != nil {
			return err
		}
		joins, err := l.joins(ctx, since, page-1, tail)
		if err != nil {
			return err
		}
		if !joins {
			if restarts++; restarts == MaxReadings {
				return fmt.Errorf("forge: many items of one moment change while they are listed: %w", domain.ErrTransient)
			}
			page = 0
			continue
		}
		last, err := l.last(found, since)
		if err != nil {
			return err
		}
		next := ""
		if more {
			next = last.UTC().Format(time.RFC3339Nano)
			tail = l.Key(found[len(found)-1])
		}
		if err := take(found, next); err != nil || next == "" {
			return err
		}
		if last.After(since) {
			since, page = last, 0
		}
	}
}

// last is the time at which a page ends. ErrOrder: it goes back.
func (l Timeline[T]) last(found []T, since time.Time) (time.Time, error) {
	for _, one := range found {
		if l.At(one).Before(since) {
			return since, ErrOrder
		}
		since = l.At(one)
	}
	return since, nil
}

// joins reads the page before once more: when it does not end with tail any longer,
// something has left the moment and shifted the rest.
func (l Timeline[T]) joins(ctx context.Context, since time.Time, before int, tail string) (bool, error) {
	if before == 0 {
		return true, nil
	}
	found, _, err := l.Page(ctx, since, before)
	return err == nil && len(found) > 0 && l.Key(found[len(found)-1]) == tail, err
}

// ParseTime reads where a walk goes on. ErrCursorReset: it is no such place.
func ParseTime(after string) (time.Time, error) {
	if after == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, after)
	if err != nil {
		return at, fmt.Errorf("forge: a place in a list: %w: %w", domain.ErrCursorReset, err)
	}
	return at, nil
}
