package projections

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Follow as the end of a range means that there is none.
const Follow int64 = math.MaxInt64

// rebuildLock is the session's advisory lock of whoever rebuilds. It only saves
// wasted work: each step also begins with a row that two cannot write.
const rebuildLock = 7_305_221_902

// The phases of a rebuild.
const (
	phaseLoading    = "loading"
	phaseCatchingUp = "catching_up"
	phaseDone       = "done"
)

// nextConns is what a rebuild holds open besides the pool of the service: two
// loaders or writers, and whoever reports, checks and compares.
const nextConns = 6

// An attempt is one call that fills the tables aside.
type attempt struct {
	*Rebuild
	next    *pgxpool.Pool // search_path is read_next
	sheets  map[string]sheet
	started time.Time       // of the rebuild, maybe by another process
	began   time.Time       // of the attempt
	ceiling map[place]int64 // what is not to be read yet; nil: all there is
	spent   bool            // nobody needs what was filled any more
	memory  atomic.Int64    // bytes that the loadings hold

	mu    sync.Mutex
	phase string
	done  map[place]int64 // next offset to fold
	goal  map[place]int64
	meter meter
	moved chan struct{} // closed and made anew when done grows
	write chan struct{} // a slot for each writer
}

// lock makes sure that nobody else rebuilds until release is called.
func (r *Rebuild) lock(ctx context.Context) (release func(), err error) {
	pooled, err := r.DB.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	conn := pooled.Hijack() // its lock must not return to the pool
	release = func() {
		ctx := context.WithoutCancel(ctx)
		_, _ = conn.Exec(ctx, `SELECT pg_advisory_unlock_all()`) // the end of the connection frees it as well, a little later
		_ = conn.Close(ctx)
	}
	var mine bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, rebuildLock).Scan(&mine); err != nil {
		release()
		return nil, err
	}
	if !mine {
		release()
		return nil, ErrRebuildRuns
	}
	return release, nil
}

// begin makes read_next, or takes over what another call left there.
func (r *Rebuild) begin(ctx context.Context) (*attempt, error) {
	a := &attempt{
		Rebuild: r, sheets: map[string]sheet{}, done: map[place]int64{}, goal: map[place]int64{},
		moved: make(chan struct{}), write: make(chan struct{}, loaders), began: r.Clock.Now(),
	}
	if err := dropRetired(ctx, r.DB, 0, r.Clock); err != nil {
		return nil, err
	}
	err := pgx.BeginFunc(ctx, r.DB, func(tx pgx.Tx) error {
		skipped, err := skippedDigest(ctx, tx)
		if err != nil {
			return err
		}
		usable, err := a.resume(ctx, tx, skipped)
		if err != nil || usable {
			return err
		}
		return a.fresh(ctx, tx, skipped)
	})
	if err != nil {
		return nil, err
	}
	config := r.DB.Config()
	config.ConnConfig.RuntimeParams["search_path"] = nextSchema
	config.MaxConns, config.MinConns = nextConns, 0
	if a.next, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	if err := a.learn(ctx); err != nil {
		a.next.Close()
		return nil, err
	}
	return a, nil
}

// resume tells whether read_next is worth going on with: of this program, and of
// the same skipped records.
func (a *attempt) resume(ctx context.Context, tx pgx.Tx, skipped string) (bool, error) {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, nextSchema+".rebuild").Scan(&there); err != nil || !there {
		return false, err
	}
	m, err := madeBy(ctx, tx, nextSchema)
	if err != nil {
		return false, err
	}
	var was, program string // without a name where an older program made the table
	var cancelled bool
	err = tx.QueryRow(ctx, `SELECT phase, started_at, skipped, coalesce(to_jsonb(r)->>'program', ''), cancelled FROM `+nextSchema+`.rebuild r`).
		Scan(&a.phase, &a.started, &was, &program, &cancelled)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return m.fit() == Fits && was == skipped && program == a.Program && !cancelled && a.phase != phaseDone, err
}

func (a *attempt) fresh(ctx context.Context, tx pgx.Tx, skipped string) error {
	tables, _ := parts()
	if err := create(ctx, tx, nextSchema, tables, rebuildDDL); err != nil {
		return err
	}
	a.phase = phaseLoading
	return tx.QueryRow(ctx, `INSERT INTO rebuild (phase, started_at, skipped, program) VALUES ($1, now(), $2, $3) RETURNING started_at`,
		a.phase, skipped, a.Program).Scan(&a.started)
}

// learn reads the types of the columns and how far each partition is.
func (a *attempt) learn(ctx context.Context) error {
	conn, err := a.next.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for _, s := range sheetsOf() {
		described, err := conn.Conn().Prepare(ctx, "", `SELECT `+s.names+` FROM `+s.table)
		if err != nil {
			return err
		}
		for _, f := range described.Fields {
			s.types = append(s.types, f.DataTypeOID)
		}
		a.sheets[s.table] = s
	}
	rows, err := conn.Query(ctx, `SELECT topic, partition, position FROM checkpoints`)
	if err != nil {
		return err
	}
	a.done, err = scanPositions(rows)
	return err
}

// scanPositions reads topic, partition and position of checkpoints.
func scanPositions(rows pgx.Rows) (map[place]int64, error) {
	positions := map[place]int64{}
	var at place
	var position int64
	_, err := pgx.ForEachRow(rows, []any{&at.topic, &at.number, &position}, func() error {
		positions[at] = position
		return nil
	})
	return positions, err
}

// skippedDigest changes when a record is left out.
func skippedDigest(ctx context.Context, tx pgx.Tx) (digest string, err error) {
	err = tx.QueryRow(ctx, `SELECT md5(coalesce(string_agg(concat_ws(' ', topic, partition, log_offset, event_id), ',' ORDER BY topic, partition, log_offset), ''))
		FROM app.skipped_records`).Scan(&digest)
	return digest, err
}
