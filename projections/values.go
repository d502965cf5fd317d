package projections

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A null column is one value or none: pgtype's types in the short form that the
// writers of the tables use.

func nullTime(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}

func nullText(s string) pgtype.Text {
	return pgtype.Text{String: s, Valid: s != ""}
}

func digestBytes(d domain.Digest) []byte {
	if d.IsZero() {
		return nil
	}
	return d[:]
}

func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// idOf is the ce_id of any record as Postgres takes it; empty when it has none.
func idOf(rec *domain.Record) string { return text(rec.Headers[wire.HeaderID]) }

// eventID is the ce_id of a record that was decoded, so it is a UUID.
func eventID(rec *domain.Record) [16]byte {
	var id domain.EventID
	if err := id.UnmarshalText([]byte(rec.Headers[wire.HeaderID])); err != nil {
		return [16]byte{}
	}
	return id.UUID
}

// eventTime is the ce_time of a record; null when it has none.
func eventTime(rec *domain.Record) pgtype.Timestamptz {
	t, err := time.Parse(time.RFC3339Nano, rec.Headers[wire.HeaderTime])
	if err != nil {
		return pgtype.Timestamptz{}
	}
	return nullTime(t)
}

// utc is a time as Postgres gave it; zero when it gave none.
func utc(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}
