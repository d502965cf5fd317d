package gitlab

import (
	"context"
	"slices"
	"strings"
	"time"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// A window is a page of a list by the time of the last change.
type window struct {
	since time.Time // at this time or later; zero: from the start
	sort  string    // "asc", "desc"
	page  int64
}

func (w window) options(size int64) sdk.ListOptions {
	return sdk.ListOptions{Page: w.page, PerPage: size}
}

// after is since as an option.
func (w window) after() *time.Time {
	if w.since.IsZero() {
		return nil
	}
	return &w.since
}

// A dated list is read by the time of the last change. Its list gives one page,
// and leaves those that must not be seen without a version.
type dated struct {
	ss   *session
	name string
	list func(call sdk.RequestOptionFunc, w window) ([]domain.Item, *sdk.Response, error)
}

func (d dated) all(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	since, err := forge.ParseTime(after)
	if err != nil {
		return err
	}
	return d.walk(ctx, since, func(items []domain.Item, next string) error {
		return take(slices.DeleteFunc(slices.Clone(items), func(i domain.Item) bool { return i.Version == "" }), next)
	})
}

func (d dated) since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	return d.walk(ctx, m.From(), func(items []domain.Item, _ string) error { return take(items) })
}

func (d dated) mark(ctx context.Context) (forge.Mark, error) {
	if d.ss.off(d.name) {
		return forge.Mark{}, nil
	}
	items, _, err := d.list(d.ss.poll(ctx, d.name), window{sort: "desc", page: 1})
	if err != nil {
		return forge.Mark{}, err
	}
	return forge.Mark{Since: forge.Latest(items), Seen: forge.SeenOf(items)}, nil
}

// walk reads everything that changed at since or later.
func (d dated) walk(ctx context.Context, since time.Time, take func([]domain.Item, string) error) error {
	if d.ss.off(d.name) {
		return take(nil, "")
	}
	list := forge.Timeline[domain.Item]{
		At: func(i domain.Item) time.Time { return i.Modified.Truncate(asked) }, Key: func(i domain.Item) string { return string(i.Path) },
		Page: func(ctx context.Context, since time.Time, page int) ([]domain.Item, bool, error) {
			items, resp, err := d.list(d.ss.call(ctx, d.name), window{since: since, sort: "asc", page: int64(page)})
			return items, err == nil && goesOn(resp), err
		},
	}
	return list.Walk(ctx, since.Truncate(asked), take)
}

// asked is how exactly a list can be asked for: GitLab's own times are finer, so what
// happened in one second is one moment of a walk.
const asked = time.Second

// off reports whether a kind of items is switched off in the project.
func (ss *session) off(name string) bool {
	return slices.Contains(strings.Fields(ss.repo.Off), name)
}

// goesOn reports whether a page names a next one. How many pages there are is not
// told of long lists, so it is never counted.
func goesOn(r *sdk.Response) bool { return r.NextPage != 0 || r.NextLink != "" }

// maxPages is the most pages of what belongs to one item, or of a list that is
// read whole.
const maxPages = 100

// pages reads a list to its end.
func pages[T any](size int64, get func(sdk.ListOptions) ([]T, *sdk.Response, error)) (all []T, n int, err error) {
	o := sdk.ListOptions{Page: 1, PerPage: size}
	for n = 1; n <= maxPages; n++ {
		found, more, err := forge.Filled(func() ([]T, bool, error) {
			found, resp, err := get(o)
			return found, err == nil && goesOn(resp), err
		})
		if err != nil {
			return nil, n, err
		}
		all = append(all, found...)
		if !more {
			return all, n, nil
		}
		o.Page++
	}
	return nil, n, domain.ErrTooLarge
}
