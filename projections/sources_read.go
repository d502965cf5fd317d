package projections

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// candidatesPage is how many sources one statement reads: a cursor may take 64
// KiB of each.
const candidatesPage = 200

// Source is the fold of a source, whoever owns it, also of a removed one.
func (r *Reader) Source(ctx context.Context, id domain.SourceID) (domain.Source, error) {
	s, err := queryOne(ctx, r.db, noSource(id), scanState, `SELECT state FROM sources WHERE source_id = $1`, [16]byte(id.UUID))
	if err != nil {
		return domain.Source{}, fmt.Errorf("read source: %w", err)
	}
	return s, nil
}

// Candidates are the sources that may be due or have open jobs, in the order of
// their ids. It reads them in pages, each as it is at that moment.
func (r *Reader) Candidates(ctx context.Context) iter.Seq2[domain.Source, error] {
	return pages(candidatesPage, func(last domain.Source) ([]domain.Source, error) {
		return query(ctx, r.db, scanState, `
			SELECT state FROM sources WHERE source_id > $1 AND (NOT removed OR open_jobs > 0)
			ORDER BY source_id LIMIT $2`, [16]byte(last.ID.UUID), candidatesPage)
	})
}

// InstalledSources are the sources, whoever owns them, that an installation of an app
// opens, in the order of their ids. It reads them in pages, each as it is at that
// moment.
func (r *Reader) InstalledSources(ctx context.Context, provider domain.Provider, installation string) iter.Seq2[domain.Source, error] {
	return pages(candidatesPage, func(last domain.Source) ([]domain.Source, error) {
		return query(ctx, r.db, scanState, `
			SELECT state FROM sources WHERE provider = $1 AND installation = $2 AND installation <> '' AND source_id > $3
			ORDER BY source_id LIMIT $4`, string(provider), installation, [16]byte(last.ID.UUID), candidatesPage)
	})
}

// pages streams pages of up to size rows; next reads the one behind last, which
// is zero at first.
func pages[T any](size int, next func(last T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last T
		for {
			page, err := next(last)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if len(page) < size {
				return
			}
			last = page[len(page)-1]
		}
	}
}

// GetSource is a source of owner. domain.ErrSourceNotFound: there is none.
func (r *Reader) GetSource(ctx context.Context, owner domain.OwnerID, id domain.SourceID) (domain.Source, error) {
	s, err := queryOne(ctx, r.db, noSource(id), scanState,
		`SELECT state FROM sources WHERE source_id = $1 AND owner_id = $2 AND NOT removing`, [16]byte(id.UUID), string(owner))
	if err != nil {
		return domain.Source{}, fmt.Errorf("read source: %w", err)
	}
	return s, nil
}

// ListSources are the sources of owner, the oldest first, limit of them from
// offset on; total is how many there are.
func (r *Reader) ListSources(ctx context.Context, owner domain.OwnerID, limit, offset int) (sources []domain.Source, total int64, err error) {
	sources, total, err = counted(ctx, r, scanState, listing{
		columns: `state`, from: `sources WHERE owner_id = $1 AND NOT removing`, order: `source_id`,
		args: []any{string(owner)}, limit: limit, offset: offset,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list sources: %w", err)
	}
	return sources, total, nil
}

// A listing is a statement that reads a part of some rows and counts them all.
type listing struct {
	columns, from, order string
	args                 []any
	limit, offset        int
}

// counted reads a listing. The total comes with the rows; only a part that is
// empty asks for it separately.
func counted[T any](ctx context.Context, r *Reader, scan pgx.RowToFunc[T], l listing) (part []T, total int64, err error) {
	n := len(l.args)
	sql := fmt.Sprintf(`SELECT count(*) OVER () AS total, %s FROM %s ORDER BY %s LIMIT $%d OFFSET $%d`, l.columns, l.from, l.order, n+1, n+2)
	part, err = query(ctx, r.db, func(row pgx.CollectableRow) (T, error) { return scan(behind{row, &total}) },
		sql, append(l.args[:n:n], l.limit, l.offset)...)
	if err != nil || len(part) > 0 {
		return part, total, err
	}
	total, err = queryOne(ctx, r.db, nil, pgx.RowTo[int64], `SELECT count(*) FROM `+l.from, l.args...)
	return nil, total, err
}

// behind is a row whose first column goes elsewhere.
type behind struct {
	pgx.CollectableRow
	first any
}

func (b behind) Scan(dest ...any) error {
	return b.CollectableRow.Scan(append([]any{b.first}, dest...)...)
}

// UnknownSources are the partitions of connected sources that the tables do not
// hold: the log before their first event is not folded yet, or it has none of them.
func (r *Reader) UnknownSources(ctx context.Context) ([]int32, error) {
	partitions, err := query(ctx, r.db, pgx.RowTo[int32],
		`SELECT DISTINCT k.partition FROM app.source_keys k WHERE NOT EXISTS (SELECT FROM sources s WHERE s.source_id = k.source_id) ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("connected sources that are not there: %w", err)
	}
	return partitions, nil
}
