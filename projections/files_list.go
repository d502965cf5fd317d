package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// CountLimit is the most files that a count with a filter goes up to.
const CountLimit = 10_000

// A FileFilter narrows a listing of files. The zero one asks for all.
type FileFilter struct {
	PathPrefix   string // of the path, byte by byte
	Language     string
	Kind         domain.FileKind
	ChangedSince time.Time // files whose last event is not older
}

// A FileKey is the place of a file in a listing.
type FileKey struct {
	Path []byte // raw
	ID   domain.FileID
}

// ListFiles are the live files of a source, in the byte order of their raw
// paths, limit of them behind after, which is zero for the first ones. next is
// the place to go on behind; nil when there are no more.
func (r *Reader) ListFiles(ctx context.Context, owner domain.OwnerID, source domain.SourceID, f FileFilter, after FileKey, limit int,
) (files []FileRow, next *FileKey, err error) {
	w := f.where(owner, source)
	if len(after.Path) > 0 {
		w.and(`(`+head+`, f.path_key, f.file_id) > (%s, %s, %s)`, headOf(after.Path), after.Path, [16]byte(after.ID.UUID))
	}
	sql := `SELECT ` + fileRow + ` FROM ` + w.from + ` ORDER BY ` + head + `, f.path_key, f.file_id LIMIT ` + w.arg(limit+1)
	files, err = queryOrdered(ctx, r.db, scanFileRow, sql, w.args...)
	if err == nil && len(files) == 0 {
		err = r.owned(ctx, owner, source)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list files: %w", err)
	}
	if len(files) > limit {
		files = files[:limit]
		last := files[limit-1]
		next = &FileKey{Path: last.RawPath(), ID: last.ID}
	}
	return files, next, nil
}

// CountFiles counts the live files of a source. Without a filter it is what the
// source's last event says; with one it counts no further than CountLimit.
func (r *Reader) CountFiles(ctx context.Context, owner domain.OwnerID, source domain.SourceID, f FileFilter) (int64, error) {
	s, err := r.GetSource(ctx, owner, source)
	if err != nil {
		return 0, fmt.Errorf("count files: %w", err)
	}
	if f == (FileFilter{}) {
		return s.Totals.Files, nil
	}
	w := f.where(owner, source)
	n, err := queryOne(ctx, r.db, nil, pgx.RowTo[int64],
		`SELECT count(*) FROM (SELECT FROM `+w.from+` LIMIT `+w.arg(CountLimit)+`) AS matching`, w.args...)
	if err != nil {
		return 0, fmt.Errorf("count files: %w", err)
	}
	return n, nil
}

// where is the FROM and WHERE of a listing, with its parameters.
type where struct {
	from string
	args []any
}

func (f FileFilter) where(owner domain.OwnerID, source domain.SourceID) *where {
	w := &where{from: `files f JOIN sources s ON s.source_id = f.source_id WHERE NOT f.removed AND NOT s.removing`}
	w.and(`f.source_id = %s`, [16]byte(source.UUID))
	w.and(`s.owner_id = %s`, string(owner))
	if f.PathPrefix != "" {
		w.prefix([]byte(f.PathPrefix))
	}
	if f.Language != "" {
		w.and(`f.language = %s`, f.Language)
	}
	if f.Kind != "" {
		w.and(`f.kind = %s`, string(f.Kind))
	}
	if !f.ChangedSince.IsZero() {
		w.and(`f.changed_at >= %s`, f.ChangedSince)
	}
	return w
}

// prefix asks for paths that begin with p: the range in the index, then the
// whole of it.
func (w *where) prefix(p []byte) {
	w.and(head+` >= %s`, headOf(p))
	if end := successor(headOf(p)); end != nil {
		w.and(head+` < %s`, end)
	}
	w.and(`substring(f.path_key FROM 1 FOR %s) = %s`, int32(len(p)), p)
}

// successor is the first key behind all that begin with p; nil when there is none.
func successor(p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] < 0xff {
			end := append([]byte{}, p[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}

// and adds a condition; each %s in it is the parameter of the next argument.
func (w *where) and(condition string, args ...any) {
	names := make([]any, len(args))
	for i, a := range args {
		names[i] = w.arg(a)
	}
	w.from += ` AND ` + fmt.Sprintf(condition, names...)
}

// arg adds a parameter and is its name.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return fmt.Sprintf("$%d", len(w.args))
}
