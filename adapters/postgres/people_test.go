package postgres_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
)

var (
	ada = domain.Person{ID: "1", Name: "Ada", Address: "ada@example.org"}
	bob = domain.Person{ID: "2", Name: "Bob"}
)

func TestPeople(t *testing.T) {
	t.Parallel()

	db := open(t)
	people := postgres.NewPeople(db)
	refs := func(owner domain.OwnerID, provider domain.Provider, who ...domain.Person) []string {
		t.Helper()
		got, err := people.Refs(t.Context(), owner, provider, who)
		if err != nil || len(got) != len(who) || slices.Contains(got, "") {
			t.Fatalf("got %q, %v", got, err)
		}
		return got
	}
	kept := func(ref string) (name, address string) {
		t.Helper()
		if err := db.QueryRow(t.Context(), "SELECT name, address FROM app.people WHERE ref = $1", ref).Scan(&name, &address); err != nil {
			t.Fatal(err)
		}
		return name, address
	}
	first := refs("alice", "github", ada, bob, ada)
	if first[0] == first[1] || first[0] != first[2] {
		t.Errorf("got %q, want one reference for each", first)
	}
	if diff := cmp.Diff(first[:2], refs("alice", "github", ada, bob)); diff != "" {
		t.Errorf("references of a second time (-want +got):\n%s", diff)
	}
	others := append(refs("carol", "github", ada), refs("alice", "gitlab", ada)...)
	if slices.Contains(others, first[0]) || others[0] == others[1] {
		t.Errorf("got %q for another owner and another provider, want their own", others)
	}
	renamed := ada
	renamed.Name, renamed.Address = "Ada Lovelace", ""
	if got := refs("alice", "github", renamed); got[0] != first[0] {
		t.Errorf("got %q for a person with another name, want %q", got[0], first[0])
	}
	if name, address := kept(first[0]); name != "Ada Lovelace" || address != ada.Address {
		t.Errorf("kept %q %q, want the new name and the old address", name, address)
	}
	for range 2 {
		if err := people.Erase(t.Context(), "alice", first[0]); err != nil {
			t.Fatal(err)
		}
	}
	if got := refs("alice", "github", ada); got[0] != first[0] {
		t.Errorf("got %q for an erased person, want the reference to stay", got[0])
	}
	if name, address := kept(first[0]); name != "" || address != "" {
		t.Errorf("kept %q %q of an erased person", name, address)
	}
	if name, _ := kept(others[0]); name != "Ada" {
		t.Errorf("kept %q for another owner, want what they know", name)
	}
}

func TestPeopleAtOnce(t *testing.T) {
	t.Parallel()

	people := postgres.NewPeople(open(t))
	got := make([][]string, 8)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			who := []domain.Person{ada, bob}
			if i%2 == 0 {
				slices.Reverse(who)
			}
			refs, err := people.Refs(t.Context(), "alice", "github", who)
			if err != nil {
				t.Error(err)
			}
			slices.Sort(refs)
			got[i] = refs
		})
	}
	all.Wait()
	for _, refs := range got[1:] {
		if diff := cmp.Diff(got[0], refs); diff != "" {
			t.Errorf("two writers got other references:\n%s", diff)
		}
	}
}
