package forge

import (
	"context"
	"fmt"
	"slices"

	"github.com/confuse/data-connector/domain"
)

// A Few is a list of few items that cannot be asked for what changed. It is read
// whole; what is deleted meanwhile may shift another item out of sight, so a list of
// several pages is read until it stays the same.
type Few struct {
	Name string
	// Reading is all of them, and how many pages they took.
	Reading func(ctx context.Context) (items []domain.Item, pages int, err error)
}

// few is the most items of one page that is handed on.
const few = 100

// more is a position that leads to the start: the list is read whole.
const more = "start"

// All is Kind.All.
func (f Few) All(ctx context.Context, take func([]domain.Item, string) error) error {
	items, err := f.whole(ctx)
	if err != nil {
		return err
	}
	for len(items) > few {
		if err := take(items[:few], more); err != nil {
			return err
		}
		items = items[few:]
	}
	return take(items, "")
}

// whole is a reading that can be trusted: of one page, or the same as the one before
// it and without an item that came twice, as when a page is given instead of another
// one (I8).
func (f Few) whole(ctx context.Context) ([]domain.Item, error) {
	before := ""
	for range MaxReadings {
		items, n, err := f.sorted(ctx)
		if err != nil {
			return nil, err
		}
		unique := slices.CompactFunc(slices.Clone(items), samePath)
		now := SeenOf(items)
		if len(unique) == len(items) && (n == 1 || now == before) {
			return items, nil
		}
		if before = now; len(unique) < len(items) {
			before = ""
		}
	}
	return nil, fmt.Errorf("forge: %s change while they are listed: %w", f.Name, domain.ErrPartial)
}

func samePath(a, b domain.Item) bool { return slices.Equal(a.Path, b.Path) }

// sorted is a reading in the order of paths.
func (f Few) sorted(ctx context.Context) ([]domain.Item, int, error) {
	items, n, err := f.Reading(ctx)
	slices.SortStableFunc(items, func(a, b domain.Item) int { return slices.Compare(a.Path, b.Path) })
	return items, n, err
}

// Mark is Kind.Mark.
func (f Few) Mark(ctx context.Context) (Mark, error) {
	items, _, err := f.sorted(ctx)
	return Mark{Since: Latest(items), Seen: SeenOf(items), Count: len(slices.CompactFunc(slices.Clone(items), samePath))}, err
}

// Since is Kind.Since: all of them. When there are fewer than before, some were
// deleted, and only a comparison tells which: ErrCursorReset.
func (f Few) Since(ctx context.Context, m Mark, take func([]domain.Item) error) error {
	items, err := f.whole(ctx)
	if err != nil {
		return err
	}
	if len(items) < m.Count {
		return fmt.Errorf("forge: %s were deleted: %w", f.Name, domain.ErrCursorReset)
	}
	for chunk := range slices.Chunk(items, few) {
		if err := take(chunk); err != nil {
			return err
		}
	}
	return nil
}
