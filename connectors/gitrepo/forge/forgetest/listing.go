package forgetest

import (
	"context"
	"maps"
	"slices"

	"github.com/confuse/data-connector/domain"
)

// A Listing is what pages come to. It implements domain.Sink.
type Listing struct {
	Items    map[string]domain.Item
	Deleted  map[string]bool
	Failures map[string]string // code by path
	Cursor   domain.Cursor
	Pages    int
	Complete bool
}

// NewListing makes an empty one.
func NewListing() *Listing {
	return &Listing{Items: map[string]domain.Item{}, Deleted: map[string]bool{}, Failures: map[string]string{}}
}

// Page implements domain.Sink.
func (l *Listing) Page(_ context.Context, p domain.Page) error {
	for _, c := range p.Changes {
		if path := string(c.Item.Path); c.Deleted {
			delete(l.Items, path)
			l.Deleted[path] = true
		}
	}
	for _, c := range p.Changes {
		if !c.Deleted {
			l.Items[string(c.Item.Path)] = c.Item
		}
	}
	for _, f := range p.Failures {
		l.Failures[f.Path] = f.Code
	}
	l.Pages++
	l.Complete = p.Complete
	if !p.Next.IsZero() {
		l.Cursor = p.Next
	}
	return nil
}

// Paths are those of the items, in their order.
func (l *Listing) Paths() []string { return slices.Sorted(maps.Keys(l.Items)) }

// News are the paths of what is not in old as it is here.
func (l *Listing) News(old *Listing) []string {
	var all []string
	for path, item := range l.Items {
		if item.Version != old.Items[path].Version {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}
