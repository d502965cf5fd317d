package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// People is the table of those behind the references on the log (I7). It may be
// used concurrently.
type People struct {
	db *pgxpool.Pool
}

var _ domain.People = (*People)(nil)

// NewPeople makes the table over the pool db.
func NewPeople(db *pgxpool.Pool) *People { return &People{db: db} }

// A portrait is what is kept of a person.
type portrait struct {
	ref, name, address string
	erased             bool
}

// Refs implements domain.People. An address that is not known this time stays as
// it is; of a person who was erased nothing is kept again.
func (t *People) Refs(ctx context.Context, owner domain.OwnerID, provider domain.Provider, people []domain.Person) ([]string, error) {
	kept, err := t.find(ctx, owner, provider, people)
	if err != nil {
		return nil, fmt.Errorf("postgres: people: %w", err)
	}
	if news := newsOf(people, kept); len(news) > 0 {
		if err := t.write(ctx, owner, provider, news); err != nil {
			return nil, fmt.Errorf("postgres: people: %w", err)
		}
		if kept, err = t.find(ctx, owner, provider, people); err != nil { // another one may have been faster
			return nil, fmt.Errorf("postgres: people: %w", err)
		}
	}
	refs := make([]string, len(people))
	for i, p := range people {
		refs[i] = kept[p.ID].ref
	}
	return refs, nil
}

// Erase forgets name and address of the person behind a reference, for good. The
// reference stays: events name it. Erasing an unknown one is harmless.
func (t *People) Erase(ctx context.Context, owner domain.OwnerID, ref string) error {
	_, err := t.db.Exec(ctx, `
		UPDATE app.people SET name = '', address = '', erased_at = coalesce(erased_at, now())
		WHERE owner_id = $1 AND ref = $2`, string(owner), ref)
	if err != nil {
		return fmt.Errorf("postgres: erase person: %w", err)
	}
	return nil
}

// newsOf are the people of whom something else is kept, or nothing.
func newsOf(people []domain.Person, kept map[string]portrait) map[string]domain.Person {
	news := map[string]domain.Person{}
	for _, p := range people {
		k, ok := kept[p.ID]
		if !ok || !k.erased && (p.Name != k.name || p.Address != k.address && p.Address != "") {
			news[p.ID] = p
		}
	}
	return news
}

func (t *People) find(ctx context.Context, owner domain.OwnerID, provider domain.Provider, people []domain.Person) (map[string]portrait, error) {
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	rows, err := t.db.Query(ctx, `
		SELECT person_id, ref, name, address, erased_at IS NOT NULL FROM app.people
		WHERE owner_id = $1 AND provider = $2 AND person_id = ANY($3)`, string(owner), string(provider), ids)
	if err != nil {
		return nil, err
	}
	kept := make(map[string]portrait, len(people))
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (id string, err error) {
		var p portrait
		err = row.Scan(&id, &p.ref, &p.name, &p.address, &p.erased)
		kept[id] = p
		return id, err
	})
	return kept, err
}

// write adds people, and changes what is kept of those who are there. Rows are
// locked in one order, so that two writers never wait for each other.
func (t *People) write(ctx context.Context, owner domain.OwnerID, provider domain.Provider, news map[string]domain.Person) error {
	var ids, refs, names, addresses []string
	for id, p := range news {
		ids, refs = append(ids, id), append(refs, newRef())
		names, addresses = append(names, p.Name), append(addresses, p.Address)
	}
	_, err := t.db.Exec(ctx, `
		INSERT INTO app.people (owner_id, provider, person_id, ref, name, address)
		SELECT $1, $2, g.person_id, g.ref, g.name, g.address
		FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS g(person_id, ref, name, address)
		ORDER BY g.person_id
		ON CONFLICT (owner_id, provider, person_id) DO UPDATE
		SET name = excluded.name, address = coalesce(nullif(excluded.address, ''), people.address)
		WHERE people.erased_at IS NULL`,
		string(owner), string(provider), ids, refs, names, addresses)
	return err
}

// newRef is a reference that tells nothing of the person.
func newRef() string { return "p-" + strings.ToLower(rand.Text()) }
