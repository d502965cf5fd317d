package projections

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// livePage is how many files Live reads with one statement.
const livePage = 2_000

// FilesAt are the live files at these raw paths, in any order. A provider that
// allows it may have several at one path.
func (r *Reader) FilesAt(ctx context.Context, source domain.SourceID, rawPaths [][]byte) ([]domain.File, error) {
	// OFFSET 0 keeps Postgres from joining the paths with all files of the source.
	files, err := query(ctx, r.db, scanFile, `
		SELECT `+fileRow+` FROM (SELECT DISTINCT raw FROM unnest($2::bytea[]) AS u(raw)) AS u CROSS JOIN LATERAL (
			SELECT `+fileRow+` FROM files f
			WHERE f.source_id = $1 AND NOT f.removed AND f.path_key = u.raw AND `+head+` = substring(u.raw FROM 1 FOR 1024)
			OFFSET 0) AS f`, [16]byte(source.UUID), rawPaths)
	if err != nil {
		return nil, fmt.Errorf("files by path: %w", err)
	}
	return files, nil
}

// FilesByID are these files of source, tombstones too, in any order.
func (r *Reader) FilesByID(ctx context.Context, source domain.SourceID, ids []domain.FileID) ([]domain.File, error) {
	files, err := query(ctx, r.db, scanFile,
		`SELECT `+fileRow+` FROM files f WHERE f.file_id = ANY($2::uuid[]) AND f.source_id = $1`,
		[16]byte(source.UUID), fileUUIDs(ids))
	if err != nil {
		return nil, fmt.Errorf("files by id: %w", err)
	}
	return files, nil
}

func fileUUIDs(ids []domain.FileID) [][16]byte {
	out := make([][16]byte, len(ids))
	for i, id := range ids {
		out[i] = id.UUID
	}
	return out
}

// Live streams the live files: with domain.ByPath all of them in the byte order
// of the raw paths, with domain.ByItem those that have an item id in the order of
// their file ids. It reads them in pages, each as it is at that moment.
func (r *Reader) Live(ctx context.Context, source domain.SourceID, order domain.Identified) iter.Seq2[domain.File, error] {
	id := [16]byte(source.UUID)
	if order == domain.ByItem {
		return pages(livePage, func(last domain.File) ([]domain.File, error) {
			return queryOrdered(ctx, r.db, scanFile, `
				SELECT `+fileRow+` FROM files f
				WHERE f.source_id = $1 AND NOT f.removed AND f.item_id <> '' AND f.file_id > $2
				ORDER BY f.file_id LIMIT $3`, id, [16]byte(last.ID.UUID), livePage)
		})
	}
	return pages(livePage, func(last domain.File) ([]domain.File, error) {
		path := last.RawPath()
		return queryOrdered(ctx, r.db, scanFile, `
			SELECT `+fileRow+` FROM files f
			WHERE f.source_id = $1 AND NOT f.removed AND (`+head+`, f.path_key, f.file_id) > ($2, $3, $4)
			ORDER BY `+head+`, f.path_key, f.file_id LIMIT $5`, id, headOf(path), path, [16]byte(last.ID.UUID), livePage)
	})
}

// Totals counts the live files of source and the bytes of their content.
func (r *Reader) Totals(ctx context.Context, source domain.SourceID) (domain.Totals, error) {
	t, err := queryOne(ctx, r.db, nil, func(row pgx.CollectableRow) (t domain.Totals, err error) {
		err = row.Scan(&t.Files, &t.Bytes)
		return t, err
	}, `SELECT count(*), coalesce(sum(size), 0)::bigint FROM files WHERE source_id = $1 AND NOT removed`, [16]byte(source.UUID))
	if err != nil {
		return domain.Totals{}, fmt.Errorf("totals: %w", err)
	}
	return t, nil
}
