package projections

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// reportEvery is how often the progress is written down, and a cancel noticed.
const reportEvery = time.Second

// A Progress says how far a rebuild is.
type Progress struct {
	Phase      string // loading, catching_up
	Running    bool   // false: it was interrupted; the next call goes on with it
	StartedAt  time.Time
	Done, Goal int64 // records, over all partitions
	PerSecond  float64
	Left       time.Duration // about; -1: not known
	Parts      []PartProgress
}

// A PartProgress says how far one partition is.
type PartProgress struct {
	Topic      string
	Partition  int32
	Done, Goal int64 // records
}

// advanced notes that a partition is folded up to position.
func (a *attempt) advanced(at place, position int64) {
	now := a.Clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := position - a.done[at]; n > 0 {
		a.meter.add(now, int(n))
	}
	a.done[at] = position
	close(a.moved)
	a.moved = make(chan struct{})
}

// enter notes the phase that begins.
func (a *attempt) enter(phase string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phase = phase
}

// restart forgets how far the partitions were.
func (a *attempt) restart() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.done)
}

// await waits until all partitions are at these positions.
func (a *attempt) await(ctx context.Context, positions map[place]int64) error {
	for {
		a.mu.Lock()
		moved, behind := a.moved, false
		for at, position := range positions {
			behind = behind || a.done[at] < position
		}
		a.mu.Unlock()
		if !behind {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// progress is how far the attempt is now.
func (a *attempt) progress() Progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := Progress{Phase: a.phase, Running: true, StartedAt: a.started, PerSecond: a.meter.since(a.Clock.Now(), a.began)}
	for at, goal := range a.goal {
		p.Parts = append(p.Parts, PartProgress{at.topic, at.number, a.done[at], max(goal, a.done[at])})
	}
	p.sum()
	return p
}

// sum fills in what follows from the partitions.
func (p *Progress) sum() {
	slices.SortFunc(p.Parts, func(a, b PartProgress) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	for _, part := range p.Parts {
		p.Done, p.Goal = p.Done+part.Done, p.Goal+part.Goal
	}
	p.Left = -1
	if p.PerSecond > 0 {
		p.Left = time.Duration(float64(p.Goal-p.Done) / p.PerSecond * float64(time.Second))
	}
}

// reporting writes the progress down until ctx ends; then the channel is closed.
// Once somebody has cancelled the rebuild, or dropped what it fills, it calls
// stop.
func (a *attempt) reporting(ctx context.Context, stop context.CancelCauseFunc) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if err := a.report(ctx); isMissing(err) || err == nil && a.cancelled(ctx) {
				stop(ErrRebuildCancelled)
				return
			}
			select {
			case <-a.Clock.After(reportEvery):
			case <-ctx.Done():
				return
			}
		}
	}()
	return ended
}

func (a *attempt) cancelled(ctx context.Context) (cancelled bool) {
	err := a.DB.QueryRow(ctx, `SELECT cancelled FROM `+nextSchema+`.rebuild`).Scan(&cancelled)
	return err == nil && cancelled // else the next look tells
}

// report writes the progress down. Nothing rests on it.
func (a *attempt) report(ctx context.Context) error {
	p := a.progress()
	if a.Observe != nil {
		a.Observe(p)
	}
	var topics []string
	var numbers []int32
	var done, goal []int64
	for _, part := range p.Parts {
		topics, numbers = append(topics, part.Topic), append(numbers, part.Partition)
		done, goal = append(done, part.Done), append(goal, part.Goal)
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO `+nextSchema+`.rebuild_parts (topic, partition, done, goal) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
			ON CONFLICT (topic, partition) DO UPDATE SET done = EXCLUDED.done, goal = EXCLUDED.goal`, topics, numbers, done, goal)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO `+nextSchema+`.rebuild_pace (per_second, at) VALUES ($1, now())
			ON CONFLICT (one) DO UPDATE SET per_second = EXCLUDED.per_second, at = EXCLUDED.at`, p.PerSecond)
		return err
	})
}

// Rebuilding is how far a rebuild is, in whatever process it runs; nil when there
// is none.
func (r *Reader) Rebuilding(ctx context.Context) (*Progress, error) {
	var p Progress
	err := pgx.BeginTxFunc(ctx, r.db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT r.phase, r.started_at, coalesce((SELECT per_second FROM `+nextSchema+`.rebuild_pace), 0), EXISTS (
				SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) + objid::bigint = $1
					AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
			FROM `+nextSchema+`.rebuild r`, rebuildLock).Scan(&p.Phase, &p.StartedAt, &p.PerSecond, &p.Running)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT topic, partition, done, goal FROM `+nextSchema+`.rebuild_parts`)
		if err != nil {
			return err
		}
		p.Parts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PartProgress])
		return err
	})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !p.Running {
		p.PerSecond = 0
	}
	p.sum()
	return &p, nil
}
