package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

// An album keeps people in memory.
type album struct {
	refs  map[string]string // owner/provider/id to ref
	names map[string]string // ref to name and address
	asked int
	down  error
}

func (a *album) Refs(_ context.Context, owner domain.OwnerID, provider domain.Provider, people []domain.Person) ([]string, error) {
	if a.down != nil {
		return nil, a.down
	}
	a.asked++
	if a.refs == nil {
		a.refs, a.names = map[string]string{}, map[string]string{}
	}
	var out []string
	for _, p := range people {
		key := fmt.Sprintf("%s/%s/%s", owner, provider, p.ID)
		if a.refs[key] == "" {
			a.refs[key] = fmt.Sprintf("ref-%d", len(a.refs)+1)
		}
		a.names[a.refs[key]] = p.Name + " " + p.Address
		out = append(out, a.refs[key])
	}
	return out, nil
}

// A social is a provider whose items have people.
type social struct {
	*provider
	people map[string][]domain.Participant
}

func (p *social) Snapshot(ctx context.Context, s domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	return p.provider.Snapshot(ctx, s, resume, named{p, sink})
}

type named struct {
	p    *social
	sink domain.Sink
}

func (n named) Page(ctx context.Context, p domain.Page) error {
	for i := range p.Changes {
		p.Changes[i].Item.People = n.p.people[string(p.Changes[i].Item.Path)]
	}
	return n.sink.Page(ctx, p)
}

func participant(role, id, name string) domain.Participant {
	return domain.Participant{Role: role, Person: domain.Person{ID: id, Name: name, Address: strings.ToLower(name) + "@example.org"}}
}

// References go to the log, names and addresses do not (I7). Another author is
// news, another name of the same one is not.
func TestPeople(t *testing.T) {
	t.Parallel()

	for _, unordered := range []bool{false, true} {
		p := &social{provider: &provider{files: map[string]string{"a": "1", "b": "2", "c": "3"}, unordered: unordered}}
		p.people = map[string][]domain.Participant{
			"a": {participant("author", "1", "Ada"), participant("reviewer", "3", "Carl"), participant("reviewer", "2", "Bob")},
			"b": {participant("author", "2", "Bob")},
		}
		b, keep := newBench(t, p, anyConfig), &album{}
		b.engine.People = keep
		b.run()
		files := map[string]domain.FileChanged{}
		for _, e := range b.Log.Files(b.source) {
			files[e.Path] = e
		}
		ref := func(id string) string { return keep.refs["owner-1/memory/"+id] }
		if got := files["a"]; got.AuthorRef != ref("1") || got.AuthorRef == "" || files["b"].AuthorRef != ref("2") || files["c"].AuthorRef != "" {
			t.Errorf("got author %q of a, %q of b, %q of c, references %v", got.AuthorRef, files["b"].AuthorRef, files["c"].AuthorRef, keep.refs)
		}
		reviewers := strings.Split(files["a"].Attributes["reviewer_refs"], ",")
		if len(reviewers) != 2 || reviewers[0] >= reviewers[1] || !strings.Contains(ref("2")+ref("3"), reviewers[0]) {
			t.Errorf("got reviewers %q", reviewers)
		}
		for _, rec := range b.Log.Records(b.source) {
			raw, err := json.Marshal(rec.Event)
			if err != nil || strings.Contains(string(raw), "Ada") || strings.Contains(string(raw), "example.org") {
				t.Errorf("got %v, or a person on the log: %s", err, raw)
			}
		}
		p.people["a"][0].Name = "Ada Lovelace"
		p.people["a"][1], p.people["a"][2] = p.people["a"][2], p.people["a"][1]
		if got := b.sync(domain.SyncIncremental); len(got) != 0 || !strings.HasPrefix(keep.names[ref("1")], "Ada Lovelace ") {
			t.Errorf("got %q of another name, kept %q", got, keep.names[ref("1")])
		}
		p.people["b"] = []domain.Participant{participant("author", "1", "Ada Lovelace")}
		if diff := cmp.Diff([]string{"metadata b"}, b.sync(domain.SyncIncremental)); diff != "" {
			t.Errorf("events of another author (-want +got):\n%s", diff)
		}
	}
}

func TestPeopleLeftOut(t *testing.T) {
	t.Parallel()

	p := &social{provider: &provider{files: map[string]string{"a": "1"}}}
	p.people = map[string][]domain.Participant{"a": {participant("author", "1", "Ada"), participant("editor", "", "nobody")}}
	b := newBench(t, p, anyConfig)
	b.run()
	if e := b.Log.Files(b.source)[0]; e.AuthorRef != "" || len(e.Attributes) != 0 {
		t.Errorf("got %q, %v without a place to keep people", e.AuthorRef, e.Attributes)
	}
	b.engine.People = &album{down: domain.ErrUnavailable}
	b.Request(b.source, domain.SyncFull)
	if err := b.once(); err == nil {
		t.Error("got no error from people that cannot be kept")
	}
	if src := b.Source(b.source); len(src.Jobs) != 1 {
		t.Errorf("got jobs %+v, want another attempt", src.Jobs)
	}
}
