package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// Notifications are the tables of rules and notices. They may be used concurrently.
type Notifications struct {
	db *pgxpool.Pool
}

var _ ingest.NoticeTable = (*Notifications)(nil)

// NewNotifications makes the tables over the pool db.
func NewNotifications(db *pgxpool.Pool) *Notifications { return &Notifications{db: db} }

// AddRule implements ingest.NotificationTable.
func (t *Notifications) AddRule(ctx context.Context, r ingest.NotificationRule) error {
	conditions := make([]string, len(r.Conditions))
	for i, c := range r.Conditions {
		conditions[i] = string(c)
	}
	var source *uuid.UUID
	if r.Source != (domain.SourceID{}) {
		source = &r.Source.UUID
	}
	_, err := t.db.Exec(ctx, `
		INSERT INTO app.notification_rules (rule_id, owner_id, source_id, name, kind, conditions, threshold, credential_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		[16]byte(r.ID), string(r.Owner), source, r.Name, r.Kind, conditions, r.Threshold, r.Credential, r.CreatedAt)
	if err != nil {
		return fmt.Errorf("postgres: add a notification rule: %w", err)
	}
	return nil
}

const ruleColumns = `rule_id, owner_id, source_id, name, kind, conditions, threshold, credential_id, created_at, sent_at, failed_at, failure`

// Rules implements ingest.NotificationTable.
func (t *Notifications) Rules(ctx context.Context, owner domain.OwnerID) ([]ingest.NotificationRule, error) {
	rows, err := t.db.Query(ctx, `
		SELECT `+ruleColumns+` FROM app.notification_rules WHERE $1 = '' OR owner_id = $1 ORDER BY rule_id`, string(owner))
	if err != nil {
		return nil, fmt.Errorf("postgres: read notification rules: %w", err)
	}
	rules, err := pgx.CollectRows(rows, scanRule)
	if err != nil {
		return nil, fmt.Errorf("postgres: read notification rules: %w", err)
	}
	return rules, nil
}

// DeleteRule implements ingest.NotificationTable.
func (t *Notifications) DeleteRule(ctx context.Context, owner domain.OwnerID, id uuid.UUID) (ingest.NotificationRule, error) {
	rows, err := t.db.Query(ctx, `
		DELETE FROM app.notification_rules WHERE rule_id = $1 AND owner_id = $2 RETURNING `+ruleColumns, [16]byte(id), string(owner))
	if err != nil {
		return ingest.NotificationRule{}, fmt.Errorf("postgres: delete a notification rule: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRule)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, fmt.Errorf("rule %s: %w", id, ingest.ErrRuleNotFound)
	}
	return r, err
}

func scanRule(row pgx.CollectableRow) (r ingest.NotificationRule, err error) {
	var source *uuid.UUID
	var conditions []string
	var sent, failed *time.Time
	err = row.Scan(&r.ID, (*string)(&r.Owner), &source, &r.Name, &r.Kind, &conditions, &r.Threshold, &r.Credential, &r.CreatedAt, &sent, &failed, &r.Failure)
	if source != nil {
		r.Source.UUID = *source
	}
	for _, c := range conditions {
		r.Conditions = append(r.Conditions, ingest.Condition(c))
	}
	r.SentAt, r.FailedAt = timeOf(sent), timeOf(failed)
	return r, err
}

// timeOf is zero where the database has none.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
