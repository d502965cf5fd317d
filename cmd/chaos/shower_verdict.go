package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/domain"
)

// A verdict says what became of the deliveries of a shower.
type verdict struct {
	lost    int // deliveries without an event
	double  int // events beyond one of each delivery, those of replays among them
	again   int // records beyond one of each event: readers know them by their id
	rows    int // that differ from the events
	waiting int // rows that no job has looked after
	counted int // deliveries that the service says came again
}

func (v verdict) lines(name string) []figures.Line {
	return []figures.Line{
		figures.Exactly(name+"_lost_effects", "deliveries", float64(v.lost), 0),
		figures.Exactly(name+"_double_effects", "events", float64(v.double), 0),
		figures.Exactly(name+"_rows_beside_events", "rows", float64(v.rows), 0),
		figures.Exactly(name+"_without_job", "rows", float64(v.waiting), 0),
		figures.Plain(name+"_counted_repeats", "deliveries", float64(v.counted)),
		figures.Plain(name+"_records_again", "records", float64(v.again)),
	}
}

// settle pushes once more, and waits until the row of what was pushed is right and
// nothing waits in the inbox.
func (s *shower) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, finishTime, fmt.Errorf("not level after %s", finishTime))
	defer cancel()
	s.push()
	s.n++
	if err := s.insist(ctx, http.DefaultClient, fmt.Sprint(s.n), s.forge.Push(s.n, deliverySize)); err != nil {
		return err
	}
	want := s.forge.Repo.Git("rev-parse", "HEAD:pushed")
	return s.query(ctx, func(db *pgx.Conn) error {
		for {
			var got string
			var waiting int
			err := db.QueryRow(ctx, `SELECT coalesce((SELECT revision FROM read.files WHERE source_id = $1 AND path = 'pushed'), ''),
				(SELECT count(*) FROM app.hint_inbox)`, s.source).Scan(&got, &waiting)
			if err != nil || got == want && waiting == 0 {
				return err
			}
			select {
			case <-s.clock.After(look):
			case <-ctx.Done():
				return fmt.Errorf("%w: got revision %s, want %s; %d hints in the inbox", context.Cause(ctx), got, want, waiting)
			}
		}
	})
}

// verdict reads the log, then compares the rows with it.
func (s *shower) verdict(ctx context.Context) (v verdict, err error) {
	var partition int32
	err = s.query(ctx, func(db *pgx.Conn) error {
		return db.QueryRow(ctx, `SELECT partition FROM read.sources WHERE source_id = $1`, s.source).Scan(&partition)
	})
	if err != nil {
		return v, err
	}
	events, err := s.told(ctx, partition, &v)
	if err != nil {
		return v, err
	}
	heard := 0
	for _, e := range events {
		if e != (uuid.UUID{}) {
			heard++
		}
	}
	v.lost = len(events) - heard
	return v, s.query(ctx, func(db *pgx.Conn) error {
		rows, behind, err := 0, 0, db.QueryRow(ctx, `SELECT count(*) FILTER (WHERE NOT EXISTS (SELECT FROM read.runs r WHERE r.source_id = w.source_id AND r.started_offset > w.log_offset))
			, (SELECT coalesce(sum(times), 0) FROM app.idle_deliveries d WHERE d.source_id = $1 AND d.reason = '')
			FROM read.webhook_events w WHERE w.source_id = $1`, s.source).Scan(&v.waiting, &v.counted)
		if err != nil {
			return err
		}
		found, err := db.Query(ctx, `SELECT event_id, delivery_id FROM read.webhook_events WHERE source_id = $1 AND origin = 'webhook'`, s.source)
		if err != nil {
			return err
		}
		var event uuid.UUID
		var delivery string
		_, err = pgx.ForEachRow(found, []any{(*[16]byte)(&event), &delivery}, func() error {
			n, err := s.numberOf(delivery)
			if rows++; err == nil && events[n-1] != event {
				behind++
			}
			return err
		})
		v.rows = behind + max(0, heard-rows)
		return errors.Join(err, found.Err())
	})
}

// numberOf is the number of a delivery, which somebody may have caught.
func (s *shower) numberOf(delivery string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(delivery, replay), 10, 64)
	if err != nil || n < 1 || n > s.n {
		return 0, fmt.Errorf("delivery %q was never sent", delivery)
	}
	return n, nil
}

// told are the events of deliveries on the log, zero where there is none, in the order
// of the deliveries: there may be a million of them. It counts what is there more than
// once.
func (s *shower) told(ctx context.Context, partition int32, v *verdict) ([]uuid.UUID, error) {
	_, options, err := s.at()
	if err != nil {
		return nil, err
	}
	log, err := kafka.NewLog(options)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	end, err := log.End(ctx, partition)
	if err != nil {
		return nil, err
	}
	events := make([]uuid.UUID, s.n)
	for rec, err := range kafka.NewReader(options).Read(ctx, partition, 0, end) {
		if err != nil {
			return nil, err
		}
		e, ok := rec.Event.(domain.SourceChanged)
		if !ok || e.Hint == nil || e.Hint.Origin != "webhook" || e.SourceID.String() != s.source {
			continue
		}
		n, err := s.numberOf(e.Hint.DeliveryID)
		if err != nil {
			return nil, err
		}
		id, err := uuid.Parse(rec.Headers["ce_id"])
		if err != nil {
			return nil, fmt.Errorf("event of delivery %d: %w", n, err)
		}
		switch seen := events[n-1]; seen {
		case uuid.UUID{}:
		case id:
			v.again++
		default:
			v.double++
		}
		events[n-1] = id
	}
	return events, nil
}
