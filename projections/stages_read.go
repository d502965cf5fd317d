package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// ErrNotLetter answers who names a dead letter that is none (any more), or not
// theirs (I10).
var ErrNotLetter = errors.New("no such dead letter")

// A LetterKey names a dead letter: there is one for each file and stage, of the
// last state of the file that the stage was given.
type LetterKey struct {
	Stage string
	File  domain.FileID
}

func (k LetterKey) String() string { return k.Stage + "/" + k.File.String() }

// A LetterRow is a dead letter.
type LetterRow struct {
	LetterKey
	SourceID  domain.SourceID
	Owner     domain.OwnerID
	Path      string // of the file now; empty when it is not there (yet)
	At        domain.Revised
	Error     string
	FailedAt  time.Time
	Replay    string
	Partition int32
	Letter    *domain.Letter // nil: it was reported without
}

// A LetterPage says which dead letters are asked for.
type LetterPage struct {
	Stage  string          // empty: all
	Source domain.SourceID // zero: all
	Files  []domain.FileID // nil: all
	Replay string          // that they failed in; empty: all
	After  LetterKey       // zero: from the first one on
	Limit  int
}

const letterRow = `st.stage, st.file_id, st.source_id, st.owner_id, coalesce(f.path, ''), st.run, st.seq, st.error, st.at, st.replay, s.partition, st.letter`

// ListLetters are the owner's dead letters, by stage and file; next is nil when
// there are no more.
func (r *Reader) ListLetters(ctx context.Context, owner domain.OwnerID, p LetterPage) (rows []LetterRow, next *LetterKey, err error) {
	w := &where{from: `file_stages st JOIN sources s ON s.source_id = st.source_id LEFT JOIN files f ON f.file_id = st.file_id
		WHERE st.state = 'failed' AND NOT s.removing`}
	w.and(`s.owner_id = %s`, string(owner))
	w.and(`(st.stage, st.file_id) > (%s, %s)`, p.After.Stage, [16]byte(p.After.File.UUID))
	if p.Stage != "" {
		w.and(`st.stage = %s`, p.Stage)
	}
	if p.Source != (domain.SourceID{}) {
		w.and(`st.source_id = %s`, [16]byte(p.Source.UUID))
	}
	if p.Replay != "" {
		w.and(`st.replay = %s`, p.Replay)
	}
	if p.Files != nil {
		w.and(`st.file_id = ANY(%s::uuid[])`, fileUUIDs(p.Files))
	}
	rows, err = query(ctx, r.db, scanLetter, `SELECT `+letterRow+` FROM `+w.from+` ORDER BY st.stage, st.file_id LIMIT `+w.arg(p.Limit+1), w.args...)
	if err != nil {
		return nil, nil, fmt.Errorf("list dead letters: %w", err)
	}
	if len(rows) > p.Limit {
		rows = rows[:p.Limit]
		next = &rows[p.Limit-1].LetterKey
	}
	return rows, next, nil
}

// GetLetter is one dead letter of owner, else ErrNotLetter.
func (r *Reader) GetLetter(ctx context.Context, owner domain.OwnerID, key LetterKey) (LetterRow, error) {
	rows, _, err := r.ListLetters(ctx, owner, LetterPage{Stage: key.Stage, Files: []domain.FileID{key.File}, Limit: 1})
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("%s: %w", key, ErrNotLetter)
	}
	if err != nil {
		return LetterRow{}, err
	}
	return rows[0], nil
}

// CountLetters counts the dead letters of all owners by stage.
func (r *Reader) CountLetters(ctx context.Context) (map[string]int64, error) {
	type count struct {
		stage   string
		letters int64
	}
	counts, err := query(ctx, r.db, func(row pgx.CollectableRow) (c count, err error) {
		err = row.Scan(&c.stage, &c.letters)
		return c, err
	}, `SELECT stage, count(*) FROM file_stages WHERE state = 'failed' GROUP BY stage`)
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	all := make(map[string]int64, len(counts))
	for _, c := range counts {
		all[c.stage] = c.letters
	}
	return all, nil
}

func scanLetter(row pgx.CollectableRow) (LetterRow, error) {
	var l LetterRow
	var at pgtype.Timestamptz
	var letter string
	err := row.Scan(&l.Stage, (*[16]byte)(&l.File.UUID), (*[16]byte)(&l.SourceID.UUID), (*string)(&l.Owner), &l.Path, &l.At.Run, &l.At.Seq,
		&l.Error, &at, &l.Replay, &l.Partition, &letter)
	l.FailedAt = utc(at)
	if err == nil && letter != "" {
		l.Letter = &domain.Letter{}
		err = json.Unmarshal([]byte(letter), l.Letter)
	}
	return l, err
}
