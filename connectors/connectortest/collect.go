package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// maxPage is the most changes of a page.
const maxPage = 1000

// maxPages is the most pages of a fixture's listing. One that has more has no end.
const maxPages = 1000

// A collector takes pages and remembers them. It checks what every page must be.
type collector struct {
	t     *testing.T
	pages []domain.Page
	fail  error // what Page answers
}

func (c *collector) Page(_ context.Context, p domain.Page) error {
	c.t.Helper()
	if len(c.pages) > 0 && c.pages[len(c.pages)-1].Complete {
		c.t.Error("got a page behind the complete one")
	}
	if len(p.Changes) > maxPage {
		c.t.Errorf("got a page of %d changes, want at most %d", len(p.Changes), maxPage)
	}
	checkCursor(c.t, p.Next)
	for _, change := range p.Changes {
		checkItem(c.t, change)
	}
	if c.pages = append(c.pages, p); len(c.pages) > maxPages {
		c.t.Fatal("the listing has no end")
	}
	return c.fail
}

// complete reports whether the last page said so.
func (c *collector) complete() bool {
	return len(c.pages) > 0 && c.pages[len(c.pages)-1].Complete
}

// items are the items with content, by path.
func (c *collector) items() map[string]domain.Item { return itemsOf(c.pages) }

func itemsOf(pages []domain.Page) map[string]domain.Item {
	items := map[string]domain.Item{}
	for _, p := range pages {
		for _, change := range p.Changes {
			if !change.Deleted && !change.Item.Bodiless {
				items[string(change.Item.Path)] = change.Item
			}
		}
	}
	return items
}

// checkCursor wants a cursor that survives the log and leaves room there.
func checkCursor(t *testing.T, c domain.Cursor) {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil || len(b) > domain.MaxCursor/2 {
		t.Errorf("got a cursor of %d bytes, error %v", len(b), err)
	}
	if !c.IsZero() && (c.V < 1 || c.Kind == "") {
		t.Errorf("got cursor %s without version or kind", b)
	}
}

func checkItem(t *testing.T, c domain.Change) {
	t.Helper()
	i := c.Item
	if c.Deleted {
		if i.ID == "" && len(i.Path) == 0 {
			t.Error("got a deletion of nothing")
		}
		return
	}
	if len(i.Path) == 0 || i.Path[0] == '/' || bytes.HasSuffix(i.Path, []byte("/")) || bytes.IndexByte(i.Path, 0) >= 0 {
		t.Errorf("got path %q", i.Path)
	}
	if i.Size < -1 {
		t.Errorf("got size %d of %q", i.Size, i.Path)
	}
	if i.Bodiless && i.Version == "" {
		t.Errorf("got neither content nor version of %q", i.Path)
	}
}
