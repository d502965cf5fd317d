package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain/ingest"
)

// notifierLock is the advisory lock of the process that notifies.
const notifierLock = 0x6e6f7469 // "noti"

// Exclusive implements ingest.NoticeTable by a lock of a connection: it goes with
// the process that holds it.
func (t *Notifications) Exclusive(ctx context.Context, do func(ctx context.Context) error) error {
	conn, err := t.db.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("postgres: lock notifications: %w", err)
	}
	defer conn.Release()
	var ours bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, notifierLock).Scan(&ours); err != nil {
		return fmt.Errorf("postgres: lock notifications: %w", err)
	}
	if !ours {
		return nil
	}
	defer func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, notifierLock); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx)) // the lock goes with it
		}
	}()
	return do(ctx)
}

// heardOfEnd is a notice of which somebody was told that it is over.
const heardOfEnd = `(n.told_over OR n.over_at IS NOT NULL AND n.reached <> '{}')`

// What comes back after its end was told begins anew, but is not told before quiet
// has passed; what comes back before that never ended for those who are told.
const upsertNotices = `
	INSERT INTO app.notices AS n (rule_id, source_id, condition, detail, since, next_try)
	SELECT $1, u.source_id, u.condition, u.detail, $2, $2 FROM unnest($4::uuid[], $5::text[], $6::text[]) AS u(source_id, condition, detail)
	ON CONFLICT (rule_id, source_id, condition) DO UPDATE
	SET detail = EXCLUDED.detail, over_at = NULL, told_over = false,
		since = CASE WHEN ` + heardOfEnd + ` THEN $2 ELSE n.since END,
		told_at = CASE WHEN ` + heardOfEnd + ` THEN NULL ELSE n.told_at END,
		tries = CASE WHEN ` + heardOfEnd + ` THEN 0 ELSE n.tries END,
		reached = CASE WHEN ` + heardOfEnd + ` THEN '{}' ELSE n.reached END,
		next_try = CASE WHEN ` + heardOfEnd + ` THEN greatest($2, coalesce(n.told_at, $2) + $3) ELSE n.next_try END`

// Found implements ingest.NoticeTable.
func (t *Notifications) Found(ctx context.Context, rule uuid.UUID, now time.Time, quiet time.Duration, notices []ingest.Notice) error {
	sources, conditions, details := make([][16]byte, len(notices)), make([]string, len(notices)), make([]string, len(notices))
	for i, n := range notices {
		sources[i], conditions[i], details[i] = n.Source.UUID, string(n.Condition), n.Detail
	}
	const gone = `NOT EXISTS (SELECT FROM unnest($2::uuid[], $3::text[]) AS u(source_id, condition) WHERE (u.source_id, u.condition) = (n.source_id, n.condition))`
	err := pgx.BeginFunc(ctx, t.db, func(tx pgx.Tx) error {
		steps := []struct {
			sql  string
			args []any
		}{
			{upsertNotices, []any{[16]byte(rule), now, quiet, sources, conditions, details}},
			{`DELETE FROM app.notices n WHERE rule_id = $1 AND told_at IS NULL AND reached = '{}' AND ` + gone, []any{[16]byte(rule), sources, conditions}},
			{`UPDATE app.notices n SET over_at = $4, next_try = $4, tries = 0, reached = '{}' WHERE rule_id = $1 AND over_at IS NULL AND ` + gone, []any{[16]byte(rule), sources, conditions, now}},
			{`DELETE FROM app.notices WHERE rule_id = $1 AND told_over AND told_at < $2`, []any{[16]byte(rule), now.Add(-quiet)}},
		}
		for _, s := range steps {
			if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("postgres: write notices: %w", err)
	}
	return nil
}

// Due implements ingest.NoticeTable.
func (t *Notifications) Due(ctx context.Context, rule uuid.UUID, now time.Time) ([]ingest.Notice, error) {
	rows, err := t.db.Query(ctx, `
		SELECT source_id, condition, detail, since, over_at, tries, reached FROM app.notices
		WHERE rule_id = $1 AND next_try <= $2 AND CASE WHEN over_at IS NULL THEN told_at IS NULL ELSE NOT told_over END
		ORDER BY coalesce(over_at, since), source_id, condition LIMIT 1000`, [16]byte(rule), now)
	if err != nil {
		return nil, fmt.Errorf("postgres: read notices: %w", err)
	}
	notices, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n ingest.Notice, err error) {
		var over *time.Time
		n.Rule = rule
		err = row.Scan(&n.Source.UUID, (*string)(&n.Condition), &n.Detail, &n.Since, &over, &n.Tries, &n.Reached)
		n.OverAt = timeOf(over)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: read notices: %w", err)
	}
	return notices, nil
}

// Told implements ingest.NoticeTable.
func (t *Notifications) Told(ctx context.Context, rule uuid.UUID, now time.Time, notices []ingest.Notice, failure string, next time.Time) error {
	sources, conditions := make([][16]byte, len(notices)), make([]string, len(notices))
	for i, n := range notices {
		sources[i], conditions[i] = n.Source.UUID, string(n.Condition)
	}
	set, at, reached := `told_at = $4, told_over = over_at IS NOT NULL, tries = 0, reached = $5`, now, []int{}
	if !next.IsZero() {
		set, at = `next_try = $4, tries = tries + 1, reached = $5`, next
		reached = append(reached, notices[0].Reached...)
	}
	err := pgx.BeginFunc(ctx, t.db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE app.notices n SET `+set+` FROM unnest($2::uuid[], $3::text[]) AS u(source_id, condition)
			WHERE n.rule_id = $1 AND (u.source_id, u.condition) = (n.source_id, n.condition)`, [16]byte(rule), sources, conditions, at, reached)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE app.notification_rules SET failure = $2,
			sent_at = CASE WHEN $2 = '' THEN $3 ELSE sent_at END, failed_at = CASE WHEN $2 = '' THEN failed_at ELSE $3 END
			WHERE rule_id = $1`, [16]byte(rule), failure, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("postgres: mark notices: %w", err)
	}
	return nil
}
