package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
)

// Replays is the table of replays. It may be used concurrently.
type Replays struct {
	db *pgxpool.Pool
}

var (
	_ replay.Store  = (*Replays)(nil)
	_ replay.Claims = (*Replays)(nil)
)

// NewReplays makes the table over the pool db.
func NewReplays(db *pgxpool.Pool) *Replays { return &Replays{db: db} }

const replayRow = `replay_id, owner_id, request, status, progress, error, created_at, started_at, ended_at, epoch`

// Add implements replay.Store.
func (t *Replays) Add(ctx context.Context, r replay.Replay) error {
	request, err := json.Marshal(r.Order)
	if err != nil {
		return fmt.Errorf("postgres: replay: %w", err)
	}
	progress, err := json.Marshal(r.Progress)
	if err != nil {
		return fmt.Errorf("postgres: replay: %w", err)
	}
	_, err = t.db.Exec(ctx, `
		INSERT INTO app.replays (replay_id, owner_id, request, status, progress, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		[16]byte(r.ID.UUID), string(r.Owner), request, string(r.Status), progress, r.CreatedAt)
	if err != nil {
		return fmt.Errorf("postgres: add a replay: %w", err)
	}
	return nil
}

// Get implements replay.Store.
func (t *Replays) Get(ctx context.Context, owner domain.OwnerID, id replay.ID) (replay.Replay, error) {
	c, err := t.one(ctx, `SELECT `+replayRow+` FROM app.replays WHERE replay_id = $1 AND owner_id = $2`, [16]byte(id.UUID), string(owner))
	if err != nil {
		return replay.Replay{}, fmt.Errorf("postgres: replay %s: %w", id, err)
	}
	return c.Replay, nil
}

// List implements replay.Store.
func (t *Replays) List(ctx context.Context, owner domain.OwnerID, limit, offset int) ([]replay.Replay, error) {
	rows, err := t.db.Query(ctx, `
		SELECT `+replayRow+` FROM app.replays WHERE owner_id = $1 ORDER BY replay_id DESC LIMIT $2 OFFSET $3`, string(owner), limit, offset)
	if err != nil {
		return nil, fmt.Errorf("postgres: list replays: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (replay.Replay, error) {
		c, err := scanReplay(row)
		return c.Replay, err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: list replays: %w", err)
	}
	return list, nil
}

// Change implements replay.Store.
func (t *Replays) Change(ctx context.Context, owner domain.OwnerID, id replay.ID, to replay.Status, from ...replay.Status) (replay.Replay, error) {
	states := make([]string, len(from))
	for i, s := range from {
		states[i] = string(s)
	}
	c, err := t.one(ctx, `
		UPDATE app.replays SET status = $3, ended_at = CASE WHEN $5 AND status <> $3 THEN now() ELSE ended_at END
		WHERE replay_id = $1 AND owner_id = $2 AND status = ANY($4::text[])
		RETURNING `+replayRow, [16]byte(id.UUID), string(owner), string(to), states, to.Ended())
	if errors.Is(err, replay.ErrNotFound) {
		if _, err := t.Get(ctx, owner, id); err != nil {
			return replay.Replay{}, err
		}
		err = domain.ErrConflict
	}
	if err != nil {
		return replay.Replay{}, fmt.Errorf("postgres: replay %s becomes %s: %w", id, to, err)
	}
	return c.Replay, nil
}

// ofOneOwner is how many replays of one owner are held at once at most: the others
// wait, so that slow ones of one owner keep nobody else's waiting.
const ofOneOwner = 2

// Claim implements replay.Claims: those that nobody has begun go first, so that a
// replay in trouble keeps none waiting. Two that claim at the same moment may
// hold one more of an owner's than they should.
func (t *Replays) Claim(ctx context.Context) (replay.Claim, bool, error) {
	c, err := t.one(ctx, `
		UPDATE app.replays SET epoch = epoch + 1, lease_until = now() + $1
		WHERE replay_id = (
			SELECT r.replay_id FROM app.replays r WHERE r.status = 'running' AND r.lease_until < now()
				AND $2 > (SELECT count(*) FROM app.replays h WHERE h.owner_id = r.owner_id AND h.status = 'running' AND h.lease_until >= now())
			ORDER BY r.epoch, r.replay_id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING `+replayRow, replay.Lease, ofOneOwner)
	if errors.Is(err, replay.ErrNotFound) {
		return replay.Claim{}, false, nil
	}
	if err != nil {
		return replay.Claim{}, false, fmt.Errorf("postgres: claim a replay: %w", err)
	}
	return c, true, nil
}

// Hold implements replay.Claims.
func (t *Replays) Hold(ctx context.Context, id replay.ID, epoch int64) (replay.Status, error) {
	var status string
	err := t.db.QueryRow(ctx, `UPDATE app.replays SET lease_until = now() + $3 WHERE replay_id = $1 AND epoch = $2 RETURNING status`,
		[16]byte(id.UUID), epoch, replay.Lease).Scan(&status)
	if errors.Is(err, pgx.ErrNoRows) {
		err = domain.ErrFenced
	}
	if err != nil {
		return "", fmt.Errorf("postgres: hold replay %s: %w", id, err)
	}
	return replay.Status(status), nil
}

// Save implements replay.Claims. One statement saves, holds and looks: whoever
// pauses a replay at the same moment does so before or after it.
func (t *Replays) Save(ctx context.Context, c replay.Claim, hold time.Duration) (replay.Status, error) {
	progress, err := json.Marshal(c.Progress)
	if err != nil {
		return "", fmt.Errorf("postgres: replay: %w", err)
	}
	var status string
	err = t.db.QueryRow(ctx, `
		UPDATE app.replays SET progress = $3, error = $4, started_at = coalesce(started_at, $5),
			lease_until = CASE WHEN $6::interval > interval '0' THEN now() + $6 ELSE '-infinity' END,
			status = CASE WHEN status = 'running' AND $7 THEN $8 ELSE status END,
			ended_at = CASE WHEN status = 'running' AND $7 THEN $9 ELSE ended_at END
		WHERE replay_id = $1 AND epoch = $2
		RETURNING status`,
		[16]byte(c.ID.UUID), c.Epoch, progress, c.Error, nullTime(c.StartedAt), hold, c.Status.Ended(), string(c.Status), nullTime(c.EndedAt)).Scan(&status)
	if errors.Is(err, pgx.ErrNoRows) {
		err = domain.ErrFenced
	}
	if err != nil {
		return "", fmt.Errorf("postgres: save replay %s: %w", c.ID, err)
	}
	return replay.Status(status), nil
}

// Cancelled tells whether a replay was cancelled, whoever's it is. What is none,
// such as the retry of a dead letter, was not.
func (t *Replays) Cancelled(ctx context.Context, id string) (bool, error) {
	is, err := replay.ParseID(id)
	if err != nil {
		return false, nil //nolint:nilerr // somebody else's name for something else
	}
	var cancelled bool
	err = t.db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM app.replays WHERE replay_id = $1 AND status = 'cancelled')`, [16]byte(is.UUID)).Scan(&cancelled)
	if err != nil {
		return false, fmt.Errorf("postgres: replay %s: %w", id, err)
	}
	return cancelled, nil
}

// one runs a statement of at most one row; none is replay.ErrNotFound.
func (t *Replays) one(ctx context.Context, sql string, args ...any) (replay.Claim, error) {
	rows, err := t.db.Query(ctx, sql, args...)
	if err != nil {
		return replay.Claim{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanReplay)
	if errors.Is(err, pgx.ErrNoRows) {
		err = replay.ErrNotFound
	}
	return c, err
}

func scanReplay(row pgx.CollectableRow) (replay.Claim, error) {
	var c replay.Claim
	var request, progress []byte
	var started, ended pgtype.Timestamptz
	var owner string
	err := row.Scan((*[16]byte)(&c.ID.UUID), &owner, &request, (*string)(&c.Status), &progress, &c.Error, &c.CreatedAt, &started, &ended, &c.Epoch)
	if err != nil {
		return c, err
	}
	if err := errors.Join(json.Unmarshal(request, &c.Order), json.Unmarshal(progress, &c.Progress)); err != nil {
		return c, err
	}
	c.Owner, c.CreatedAt = domain.OwnerID(owner), c.CreatedAt.UTC()
	if started.Valid {
		c.StartedAt = started.Time.UTC()
	}
	if ended.Valid {
		c.EndedAt = ended.Time.UTC()
	}
	return c, nil
}
