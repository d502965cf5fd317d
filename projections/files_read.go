package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// GetFile is a live file of owner. domain.ErrFileNotFound: there is none.
func (r *Reader) GetFile(ctx context.Context, owner domain.OwnerID, id domain.FileID) (FileRow, error) {
	f, err := queryOne(ctx, r.db, fmt.Errorf("file %s: %w", id, domain.ErrFileNotFound), scanFileRow, `
		SELECT `+fileRow+` FROM files f JOIN sources s ON s.source_id = f.source_id
		WHERE f.file_id = $1 AND s.owner_id = $2 AND NOT f.removed AND NOT s.removing`, [16]byte(id.UUID), string(owner))
	if err != nil {
		return FileRow{}, fmt.Errorf("read file: %w", err)
	}
	return f, nil
}

// Languages counts the live files of a source by language; those without one are
// left out.
func (r *Reader) Languages(ctx context.Context, owner domain.OwnerID, source domain.SourceID) (map[string]int64, error) {
	type count struct {
		language string
		files    int64
	}
	counts, err := query(ctx, r.db, func(row pgx.CollectableRow) (c count, err error) {
		err = row.Scan(&c.language, &c.files)
		return c, err
	}, `
		SELECT f.language, count(*) FROM files f JOIN sources s ON s.source_id = f.source_id
		WHERE f.source_id = $1 AND s.owner_id = $2 AND NOT f.removed AND NOT s.removing AND f.language <> ''
		GROUP BY f.language`, [16]byte(source.UUID), string(owner))
	if err == nil && len(counts) == 0 {
		err = r.owned(ctx, owner, source)
	}
	if err != nil {
		return nil, fmt.Errorf("languages: %w", err)
	}
	languages := make(map[string]int64, len(counts))
	for _, c := range counts {
		languages[c.language] = c.files
	}
	return languages, nil
}

// Indexed tells when the pipeline last accepted each of these files, in whatever
// state. A file that no stage has taken is not in the map. The ids come from
// reads that were scoped to an owner.
func (r *Reader) Indexed(ctx context.Context, ids []domain.FileID) (map[domain.FileID]time.Time, error) {
	type accepted struct {
		id domain.FileID
		at time.Time
	}
	rows, err := query(ctx, r.db, func(row pgx.CollectableRow) (a accepted, err error) {
		err = row.Scan((*[16]byte)(&a.id.UUID), &a.at)
		return a, err
	}, `SELECT file_id, max(at) FROM file_stages WHERE file_id = ANY($1::uuid[]) AND state = 'done' GROUP BY file_id`, fileUUIDs(ids))
	if err != nil {
		return nil, fmt.Errorf("stages: %w", err)
	}
	at := make(map[domain.FileID]time.Time, len(rows))
	for _, a := range rows {
		at[a.id] = a.at.UTC()
	}
	return at, nil
}
