package forge_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// A change is an item of a list by time.
type change struct {
	number int
	at     time.Time
}

// A board is such a list at a provider, in pages of three; each is told to asked.
type board struct {
	items []change
	asked func(page int)
}

func (b *board) page(_ context.Context, since time.Time, page int) ([]change, bool, error) {
	b.asked(page)
	from := slices.IndexFunc(b.items, func(c change) bool { return !c.at.Before(since) })
	left := b.items[from:]
	left = left[min(3*(page-1), len(left)):]
	return left[:min(3, len(left))], len(left) > 3, nil
}

func (b *board) timeline() forge.Timeline[change] {
	return forge.Timeline[change]{Page: b.page, At: func(c change) time.Time { return c.at }, Key: func(c change) string { return strconv.Itoa(c.number) }}
}

// TestMoment: many items of one moment are listed although some of them change, and
// so leave it, meanwhile.
func TestMoment(t *testing.T) {
	t.Parallel()

	noon := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for name, leave := range map[string]int{"none leaves": 0, "one leaves": 1, "one leaves each time": 100} {
		b := &board{}
		for n := range 20 {
			b.items = append(b.items, change{n, noon})
		}
		b.asked = func(page int) {
			if page == 3 && leave > 0 {
				leave--
				moved := change{b.items[0].number, b.items[len(b.items)-1].at.Add(time.Minute)}
				b.items = append(b.items[1:len(b.items):len(b.items)], moved)
			}
		}
		seen := map[int]bool{}
		err := b.timeline().Walk(t.Context(), time.Time{}, func(found []change, _ string) error {
			for _, c := range found {
				seen[c.number] = true
			}
			return nil
		})
		if err == nil && len(seen) != 20 || err != nil && (name != "one leaves each time" || !errors.Is(err, domain.ErrTransient)) {
			t.Errorf("%s: got %d items, %v", name, len(seen), err)
		}
	}
}

// TestFew: a list that is read whole is believed once it says the same twice, with no
// item twice in it.
func TestFew(t *testing.T) {
	t.Parallel()

	item := func(n int) domain.Item { return domain.Item{Path: forge.Numbered("@x/", int64(n)), Version: "1"} }
	both, twice := []domain.Item{item(1), item(2)}, []domain.Item{item(1), item(1)}
	for name, tt := range map[string]struct {
		readings [][]domain.Item
		want     int // 0: ErrPartial
	}{
		"the same":           {[][]domain.Item{both, both}, 2},
		"a page came twice":  {[][]domain.Item{twice, both, both}, 2},
		"it always does":     {[][]domain.Item{twice, twice, twice, twice}, 0},
		"never the same":     {[][]domain.Item{both, both[:1], both, both[:1]}, 0},
		"one was lost, once": {[][]domain.Item{both, both[:1], both, both}, 2},
	} {
		n, got := 0, 0
		f := forge.Few{Name: "x", Reading: func(context.Context) ([]domain.Item, int, error) {
			n++
			return slices.Clone(tt.readings[n-1]), 2, nil
		}}
		err := f.All(t.Context(), func(items []domain.Item, _ string) error { got += len(items); return nil })
		if got != tt.want || (tt.want == 0) != errors.Is(err, domain.ErrPartial) {
			t.Errorf("%s: got %d items, %v, want %d", name, got, err, tt.want)
		}
	}
}
