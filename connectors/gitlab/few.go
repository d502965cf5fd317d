package gitlab

import (
	"context"
	"fmt"
	"slices"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// A few is a list of few items that cannot be asked for what changed. It is read
// whole; what is deleted meanwhile may shift another item out of sight, so a list
// of several pages is read until it stays the same.
type few struct {
	ss   *session
	name string
	list func(call sdk.RequestOptionFunc, o sdk.ListOptions) ([]domain.Item, *sdk.Response, error)
}

func (f few) all(ctx context.Context, take func([]domain.Item, string) error) error {
	var before []domain.Item
	for range maxReadings {
		items, n, err := f.reading(ctx)
		if err != nil {
			return err
		}
		if n == 1 || before != nil && forge.SeenOf(items) == forge.SeenOf(before) {
			for len(items) > maxPage {
				if err := take(items[:maxPage], more); err != nil {
					return err
				}
				items = items[maxPage:]
			}
			return take(items, "")
		}
		before = items
	}
	return fmt.Errorf("gitlab: %s change while they are listed: %w", f.name, domain.ErrTransient)
}

// more is a position that leads to the start: the list is read whole.
const more = "start"

// reading is all of them in the order of their paths, and how many pages they took.
func (f few) reading(ctx context.Context) ([]domain.Item, int, error) {
	if f.ss.off(f.name) {
		return nil, 1, nil
	}
	items, n, err := pages(f.ss.page, func(o sdk.ListOptions) ([]domain.Item, *sdk.Response, error) {
		return f.list(f.ss.poll(ctx, f.name), o)
	})
	slices.SortFunc(items, func(a, b domain.Item) int { return slices.Compare(a.Path, b.Path) })
	return slices.CompactFunc(items, func(a, b domain.Item) bool { return slices.Equal(a.Path, b.Path) }), n, err
}

func (f few) mark(ctx context.Context) (forge.Mark, error) {
	items, _, err := f.reading(ctx)
	return forge.Mark{Since: forge.Latest(items), Seen: forge.SeenOf(items), Count: len(items)}, err
}

// since gives all of them. When there are fewer than before, some were deleted,
// and only a comparison tells which.
func (f few) since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	items, _, err := f.reading(ctx)
	if err != nil {
		return err
	}
	if len(items) < m.Count {
		return fmt.Errorf("gitlab: %s were deleted: %w", f.name, domain.ErrCursorReset)
	}
	for chunk := range slices.Chunk(items, maxPage) {
		if err := take(chunk); err != nil {
			return err
		}
	}
	return nil
}
