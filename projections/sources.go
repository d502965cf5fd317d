package projections

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// sourceNames are the columns of sources in the order of [sourceColumns.values].
const sourceNames = `source_id, owner_id, provider, name, status, registered_at, removing, removed, open_jobs, installation, state, partition`

const upsertSources = `
	INSERT INTO sources (` + sourceNames + `)
	SELECT u.source_id, u.owner_id, u.provider, u.name, u.status, u.registered_at, u.removing, u.removed, u.open_jobs, u.installation, u.state::json, $12
	FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bool[], $8::bool[], $9::int[], $10::text[], $11::text[])
		AS u(source_id, owner_id, provider, name, status, registered_at, removing, removed, open_jobs, installation, state)
	ON CONFLICT (source_id) DO UPDATE
	SET name = EXCLUDED.name, status = EXCLUDED.status, removing = EXCLUDED.removing, removed = EXCLUDED.removed,
		open_jobs = EXCLUDED.open_jobs, installation = EXCLUDED.installation, state = EXCLUDED.state
	WHERE sources.partition = EXCLUDED.partition`

// writeSources writes the folds that changed, then deletes what is left of the
// removed ones but their stub. The checkpoint alone guards the rows: one
// partition holds all events of a source.
func writeSources(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	if len(b.sources) == 0 {
		return nil
	}
	var c sourceColumns
	for _, id := range slices.SortedFunc(maps.Keys(b.sources), compareSources) {
		if err := c.add(b.sources[id]); err != nil {
			return fmt.Errorf("sources: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, upsertSources, c.values(p.number)...); err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	return deleteRemoved(ctx, tx, p, b.removed)
}

type sourceColumns struct {
	id                                   [][16]byte
	owner, provider, name, status, state []string
	installation                         []string
	registered                           []pgtype.Timestamptz
	removing, removed                    []bool
	open                                 []int32
}

func (c *sourceColumns) add(s domain.Source) error {
	state, err := jsonText(s)
	if err != nil {
		return err
	}
	c.id = append(c.id, s.ID.UUID)
	c.owner = append(c.owner, string(s.Owner))
	c.provider = append(c.provider, string(s.Provider))
	c.name = append(c.name, s.Name)
	c.status = append(c.status, string(s.Status()))
	c.state = append(c.state, state)
	c.registered = append(c.registered, nullTime(s.RegisteredAt))
	c.removing = append(c.removing, s.Removing)
	c.removed = append(c.removed, s.Removed)
	c.open = append(c.open, int32(len(s.Jobs)))
	c.installation = append(c.installation, s.Installation)
	return nil
}

func (c *sourceColumns) values(partition int32) []any {
	return []any{
		c.id, c.owner, c.provider, c.name, c.status, pgtype.FlatArray[pgtype.Timestamptz](c.registered),
		c.removing, c.removed, c.open, c.installation, c.state, partition,
	}
}

// removalLock orders the end of a source with the writes of its stages, which
// come from another topic: whoever is second sees what the first one did.
const removalLock = 73_052

// deleteRemoved deletes the rows of removed sources. It is the only delete there
// is in the read tables.
func deleteRemoved(ctx context.Context, tx pgx.Tx, p *partition, removed []domain.SourceID) error {
	if len(removed) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, removalLock, p.number); err != nil {
		return err
	}
	ids := uuids(removed)
	for _, stmt := range []string{
		`DELETE FROM files WHERE source_id = ANY($1::uuid[])`,
		`DELETE FROM file_stages WHERE source_id = ANY($1::uuid[])`,
		`DELETE FROM webhook_events WHERE source_id = ANY($1::uuid[])`,
		`DELETE FROM runs WHERE source_id = ANY($1::uuid[])`,
		`DELETE FROM sync_jobs WHERE source_id = ANY($1::uuid[]) AND mode <> 'remove'`, // that one is still asked for
	} {
		if _, err := tx.Exec(ctx, stmt, ids); err != nil {
			return fmt.Errorf("rows of removed sources: %w", err)
		}
	}
	return nil
}

func uuids(sources []domain.SourceID) [][16]byte {
	ids := make([][16]byte, len(sources))
	for i, s := range sources {
		ids[i] = s.UUID
	}
	return ids
}

func compareSources(a, b domain.SourceID) int { return bytes.Compare(a.UUID[:], b.UUID[:]) }
