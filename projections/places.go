package projections

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// Places are the last events of those of files that are live, whatever their
// owner. Files of a source whose removal was requested are not.
func (r *Reader) Places(ctx context.Context, files []domain.FileID) (map[domain.FileID]domain.Position, error) {
	type place struct {
		file domain.FileID
		at   domain.Position
	}
	rows, err := query(ctx, r.db, func(row pgx.CollectableRow) (p place, err error) {
		err = row.Scan((*[16]byte)(&p.file.UUID), &p.at.Partition, &p.at.Offset)
		return p, err
	}, `SELECT f.file_id, f.partition, f.log_offset FROM files f JOIN sources s ON s.source_id = f.source_id
		WHERE f.file_id = ANY($1::uuid[]) AND NOT f.removed AND NOT s.removing`, fileUUIDs(files))
	if err != nil {
		return nil, fmt.Errorf("places of files: %w", err)
	}
	places := make(map[domain.FileID]domain.Position, len(rows))
	for _, p := range rows {
		places[p.file] = p.at
	}
	return places, nil
}

// A FilePlace is a file with its last state.
type FilePlace struct {
	ID     domain.FileID
	At     domain.Revised
	Offset int64 // of its event
}

// LastStates are the last states of those of files that are known, removed ones
// too, whatever their owner.
func (r *Reader) LastStates(ctx context.Context, files []domain.FileID) (map[domain.FileID]FilePlace, error) {
	rows, err := query(ctx, r.db, scanPlace, `SELECT file_id, run, seq, log_offset FROM files WHERE file_id = ANY($1::uuid[])`, fileUUIDs(files))
	if err != nil {
		return nil, fmt.Errorf("last states of files: %w", err)
	}
	states := make(map[domain.FileID]FilePlace, len(rows))
	for _, p := range rows {
		states[p.ID] = p
	}
	return states, nil
}

func scanPlace(row pgx.CollectableRow) (p FilePlace, err error) {
	err = row.Scan((*[16]byte)(&p.ID.UUID), &p.At.Run, &p.At.Seq, &p.Offset)
	return p, err
}

// placesPage is how many of them one statement reads.
const placesPage = 2_000

// FilePlaces are the live files whose last event is in a partition, whatever their
// owner, in the order of their ids; each page as it is at that moment.
func (r *Reader) FilePlaces(ctx context.Context, partition int32) iter.Seq2[FilePlace, error] {
	return pages(placesPage, func(last FilePlace) ([]FilePlace, error) {
		return query(ctx, r.db, scanPlace, `SELECT f.file_id, f.run, f.seq, f.log_offset FROM files f JOIN sources s ON s.source_id = f.source_id
			WHERE f.file_id > $1 AND f.partition = $2 AND NOT f.removed AND NOT s.removing
			ORDER BY f.file_id LIMIT $3`, [16]byte(last.ID.UUID), partition, placesPage)
	})
}
