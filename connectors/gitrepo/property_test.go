package gitrepo_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// Whatever happens to a repository, what was held before and the changes since
// come to exactly what git says it holds, with the items of a listing.
func TestChangesLeadFromTreeToTree(t *testing.T) {
	t.Parallel()

	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.source.Client.SetPage(7)
			w.source.Client.SetPacks(3)
			h := &history{world: w, rand: rand.New(rand.NewPCG(seed, 1))}
			h.commit()
			from, held := w.start(), w.list().items
			for range 8 {
				for range 1 + h.rand.IntN(3) {
					h.step()
				}
				f := w.follow(from)
				apply(held, f.pages)
				w.check(held, "main")
				from = f.cursor
			}
			if diff := cmp.Diff(w.list().items, held, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".MovedFrom" }, cmp.Ignore())); diff != "" {
				t.Errorf("what a listing says (-) and what the changes came to (+):\n%s", diff)
			}
		})
	}
}

// apply lets held follow pages.
func apply(held map[string]domain.Item, pages []domain.Page) {
	for _, p := range pages {
		for _, c := range p.Changes {
			if c.Deleted {
				delete(held, string(c.Item.Path))
			}
		}
		for _, c := range p.Changes {
			if !c.Deleted {
				held[string(c.Item.Path)] = c.Item
			}
		}
	}
}

// A history is a repository with a random past.
type history struct {
	*world
	rand  *rand.Rand
	count int
}

// step makes one commit: on top, with another parent, or from another past.
func (h *history) step() {
	switch h.rand.IntN(6) {
	case 0: // force push: the branch goes back and elsewhere
		if parent := h.repo.Git("rev-list", "--max-count=3", "main"); strings.Count(parent, "\n") > 1 {
			h.repo.CommitFrom("main", strings.Split(parent, "\n")[1+h.rand.IntN(2)], nil, h.edits()...)
			return
		}
	case 1: // another root: no parent in common
		h.repo.CommitFrom("main", "", nil, h.edits()...)
		return
	case 2: // a side branch, merged
		main := h.repo.Git("rev-parse", "main")
		side := h.repo.CommitFrom("side", main, nil, h.edits()...)
		h.repo.CommitFrom("main", main, []string{side}, h.edits()...)
		return
	}
	h.commit()
}

func (h *history) commit() { h.repo.Commit("main", h.edits()...) }

// edits are some random ones that git takes.
func (h *history) edits() []gittest.Edit {
	var edits []gittest.Edit
	for range 1 + h.rand.IntN(20) {
		h.count++
		path := h.path()
		switch h.rand.IntN(8) {
		case 0:
			edits = append(edits, gittest.Remove(path))
		case 1:
			edits = append(edits, gittest.PutExecutable(path, h.content()))
		case 2:
			edits = append(edits, gittest.Link(path, h.path()))
		case 3:
			edits = append(edits, gittest.Submodule(path, strings.Repeat(fmt.Sprint(1+h.rand.IntN(9)), 40)))
		case 4:
			edits = append(edits, gittest.Put(".gitmodules", fmt.Sprintf("[submodule \"a\"]\n\tpath = \"%s\"\n\turl = https://example.org/%d\n", h.path(), h.count)))
		case 5: // rename: put it first, so that it is there
			edits = append(edits, gittest.Put(path, h.content()), gittest.Rename(path, "moved/"+path))
		default:
			edits = append(edits, gittest.Put(path, h.content()))
		}
	}
	return edits
}

func (h *history) path() string {
	return fmt.Sprintf("%c/%c\xff %d", 'a'+rune(h.rand.IntN(3)), 'A'+rune(h.rand.IntN(3)), h.rand.IntN(4))
}

// content is long enough to be known again when a line of it changes.
func (h *history) content() string {
	return strings.Repeat(fmt.Sprintf("line of file %d\n", h.rand.IntN(5)), 5) + fmt.Sprintf("edit %d\n", h.rand.IntN(40))
}
