package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/confuse/data-connector/domain"
)

// copiedFrom is how many new files are worth a savepoint, which takes two round
// trips. COPY takes half of the time of an upsert for a row.
const copiedFrom = 32

// uniqueViolation says that a row with the same key is there.
const uniqueViolation = "23505"

// apart tells the files that the log adds, which as a rule have no row, from the
// others. Both stay in their order.
func (b *batch) apart(files []fileOf) (fresh, rest []fileOf) {
	for _, f := range files {
		if b.records[f.record].Event.(domain.FileChanged).Change == domain.FileAdded {
			fresh = append(fresh, f)
		} else {
			rest = append(rest, f)
		}
	}
	return fresh, rest
}

// copyFiles copies files that have no rows. When one of them has, such as the
// tombstone of a file that has come back, it has done nothing, and says so.
func copyFiles(ctx context.Context, tx pgx.Tx, p *partition, b *batch, files []fileOf) (copied bool, err error) {
	c := newCells(1)
	for i, at := range files {
		if i == 1 { // the others are about as long as the first
			c.columns[0] = slices.Grow(c.columns[0], len(files)*(len(c.columns[0])+16))
		}
		c.row(1 + len(fileTypes()))
		if err := addFile(c, &b.records[at.record], b.sourceNow(at.source).Owner); err != nil {
			return false, fmt.Errorf("files: %w", err)
		}
		c.int4(p.number)
	}
	inner, err := tx.Begin(ctx) // a savepoint
	if err != nil {
		return false, err
	}
	err = copyTuples(ctx, inner, sheet{table: "files", names: fileNames}, readTuples(once(c.columns[0])))
	if err == nil {
		return true, inner.Commit(ctx)
	}
	if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != uniqueViolation {
		return false, err // tx is at its end
	}
	return false, inner.Rollback(ctx)
}
