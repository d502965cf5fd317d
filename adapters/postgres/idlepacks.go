package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// IdlePacks is the table of packs that no live file names. It may be used
// concurrently.
type IdlePacks struct {
	db *pgxpool.Pool
}

var _ ingest.IdlePacks = (*IdlePacks)(nil)

// NewIdlePacks makes the table over the pool db.
func NewIdlePacks(db *pgxpool.Pool) *IdlePacks { return &IdlePacks{db: db} }

// Note implements ingest.IdlePacks.
func (t *IdlePacks) Note(ctx context.Context, source domain.SourceID, packs []string, at time.Time) (map[string]ingest.IdlePack, error) {
	if packs == nil {
		packs = []string{} // an array, not null
	}
	_, err := t.db.Exec(ctx, `
		WITH forgotten AS (DELETE FROM app.idle_packs WHERE source_id = $1 AND pack <> ALL($2))
		INSERT INTO app.idle_packs (source_id, pack, since)
		SELECT $1, pack, $3 FROM unnest($2::text[]) AS pack ORDER BY pack
		ON CONFLICT (source_id, pack) DO NOTHING`, [16]byte(source.UUID), packs, at)
	if err != nil {
		return nil, fmt.Errorf("postgres: note idle packs: %w", err)
	}
	known, err := t.of(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("postgres: idle packs: %w", err)
	}
	return known, nil
}

func (t *IdlePacks) of(ctx context.Context, source domain.SourceID) (map[string]ingest.IdlePack, error) {
	rows, err := t.db.Query(ctx, "SELECT pack, since, revisions FROM app.idle_packs WHERE source_id = $1", [16]byte(source.UUID))
	if err != nil {
		return nil, err
	}
	known := map[string]ingest.IdlePack{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (pack string, err error) {
		var p ingest.IdlePack
		err = row.Scan(&pack, &p.Since, &p.Revisions)
		p.Since = p.Since.UTC()
		known[pack] = p
		return pack, err
	})
	return known, err
}

// NoteRevisions implements ingest.IdlePacks.
func (t *IdlePacks) NoteRevisions(ctx context.Context, source domain.SourceID, packs []string) error {
	_, err := t.db.Exec(ctx, "UPDATE app.idle_packs SET revisions = true WHERE source_id = $1 AND pack = ANY($2)", [16]byte(source.UUID), packs)
	if err != nil {
		return fmt.Errorf("postgres: note older revisions: %w", err)
	}
	return nil
}
