package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// maxPeople is how many people a run remembers the references of.
const maxPeople = 50_000

// roleAuthor is the role whose person stands in FileChanged.AuthorRef.
const roleAuthor = "author"

// people are the references of those whom a run has met. Names and addresses go
// to where they are kept, and no further (I7).
type people struct {
	keep     domain.People // nil: people are left out
	owner    domain.OwnerID
	provider domain.Provider
	refs     map[domain.Person]string // by all that was said of them: another name is told again
}

func newPeople(e *Engine, src domain.Source) *people {
	return &people{keep: e.People, owner: src.Owner, provider: src.Provider, refs: map[domain.Person]string{}}
}

// meet learns the references of all whom changes name.
func (p *people) meet(ctx context.Context, changes []domain.Change) error {
	if p.keep == nil {
		return nil
	}
	met, asked := []domain.Person(nil), map[domain.Person]bool{}
	for _, c := range changes {
		for _, who := range c.Item.People {
			person := cleanPerson(who.Person)
			if _, known := p.refs[person]; !known && !asked[person] && person.ID != "" {
				met, asked[person] = append(met, person), true
			}
		}
	}
	if len(met) == 0 {
		return nil
	}
	refs, err := p.keep.Refs(ctx, p.owner, p.provider, met)
	if err == nil && len(refs) != len(met) {
		err = fmt.Errorf("got %d references of %d people", len(refs), len(met))
	}
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	if len(p.refs) > maxPeople {
		clear(p.refs) // of this page all are still known: a page is smaller
		return p.meet(ctx, changes)
	}
	for i, person := range met {
		p.refs[person] = refs[i]
	}
	return nil
}

// name puts the references of item's people into its state: the first author, and
// the others by their roles.
func (p *people) name(item domain.Item, state *domain.FileState) {
	byRole := map[string][]string{}
	for _, who := range item.People {
		ref, role := p.refs[cleanPerson(who.Person)], domain.Clean(who.Role)
		switch {
		case ref == "" || role == "":
		case role == roleAuthor && state.AuthorRef == "":
			state.AuthorRef = ref
		default:
			byRole[role] = append(byRole[role], ref)
		}
	}
	for role, refs := range byRole { // sorted: another order is no news
		slices.Sort(refs)
		state.Attributes[role+"_refs"] = strings.Join(slices.Compact(refs), ",")
	}
}

// cleanPerson is a person in text that a store takes.
func cleanPerson(p domain.Person) domain.Person {
	return domain.Person{ID: domain.Clean(p.ID), Name: domain.Clean(p.Name), Address: domain.Clean(p.Address)}
}
