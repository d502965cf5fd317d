package connectortest

import (
	"context"
	"sync"

	"github.com/confuse/data-connector/domain"
)

var (
	_ domain.Reservations = (*Reservations)(nil)
	_ domain.Idempotency  = (*Idempotency)(nil)
)

// Reservations are the table of source keys in memory. The zero value is empty.
type Reservations struct {
	mu   sync.Mutex
	rows map[sourceKey]domain.Reservation
}

type sourceKey struct {
	owner    domain.OwnerID
	provider domain.Provider
	key      string
}

// Reserve implements domain.Reservations.
func (r *Reservations) Reserve(_ context.Context, want domain.Reservation, free func(domain.SourceID) (bool, error)) (domain.Reservation, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := sourceKey{want.Owner, want.Provider, want.ExternalKey}
	if found, ok := r.rows[key]; ok {
		if yes, err := free(found.Source); err != nil || !yes {
			return found, false, err
		}
	}
	if r.rows == nil {
		r.rows = map[sourceKey]domain.Reservation{}
	}
	r.rows[key] = want
	return want, true, nil
}

// Idempotency keeps the ids of commands in memory. The zero value is empty.
type Idempotency struct {
	mu   sync.Mutex
	rows map[commandKey]command
}

type commandKey struct {
	owner domain.OwnerID
	key   string
}

type command struct {
	request domain.Digest
	ids     domain.CommandIDs
}

// Begin implements domain.Idempotency.
func (i *Idempotency) Begin(_ context.Context, owner domain.OwnerID, key string, request domain.Digest, ids domain.CommandIDs) (domain.CommandIDs, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if kept, ok := i.rows[commandKey{owner, key}]; ok {
		if kept.request != request {
			return domain.CommandIDs{}, &domain.InvalidError{Field: "Idempotency-Key", Problem: "was used for another request"}
		}
		return kept.ids, nil
	}
	if i.rows == nil {
		i.rows = map[commandKey]command{}
	}
	i.rows[commandKey{owner, key}] = command{request, ids}
	return ids, nil
}
