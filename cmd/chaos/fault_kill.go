package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// points are all at which the service is killed.
func points() []faults.Point {
	return []faults.Point{
		faults.BeforePack, faults.AfterPack, faults.MidPage, faults.BeforeProgress, faults.BeforeClaim, faults.AfterClaim,
		faults.InProjector, faults.BeforeRelay, faults.AfterRelay, faults.InSwap,
	}
}

func killReal(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	s, err := c.newScene(ctx, c.servers, c.files)
	if err != nil {
		return nil, err
	}
	return killed(ctx, s, name)
}

func killEmbedded(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	s, err := c.newStandalone(c.files)
	if err != nil {
		return nil, err
	}
	return killed(ctx, s, name)
}

// A killing is a sync that is killed again and again, at random moments and at
// named points in turn.
type killing struct {
	*scene
	random *rand.Rand
	left   []faults.Point // to die at
	hit    map[faults.Point]int
	shots  int // at random moments
	hints  []domain.EventID
	packs  packs
}

func killed(ctx context.Context, s *scene, name string) (lines []figures.Line, err error) {
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	k := &killing{scene: s, random: s.random(name), hit: map[faults.Point]int{}, packs: packs{}}
	p, err := s.start(ctx, "")
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, p); err != nil {
		return nil, err
	}
	k.plan()
	for len(k.left) > 0 {
		if err := k.shoot(ctx, p); err != nil {
			return nil, err
		}
		if p, err = k.next(ctx); err != nil {
			return nil, err
		}
	}
	open, err := k.open(ctx)
	if err == nil {
		err = k.shoot(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	if p, err = s.start(ctx, ""); err == nil {
		err = s.finish(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	return k.figures(ctx, name, open)
}

// plan chooses where to die, in any order: at each point once at least, where
// there are that many kills.
func (k *killing) plan() {
	for n := k.kills / 2; len(k.left) < n; {
		for _, i := range k.random.Perm(len(points())) {
			k.left = append(k.left, points()[i])
		}
		k.left = k.left[:min(len(k.left), n)]
	}
}

// shoot kills a service at a random moment, and prepares what the next one is to
// die at.
func (k *killing) shoot(ctx context.Context, p *testbed.Process) error {
	if err := k.until(ctx, "a claim", func() (bool, error) {
		return slices.Contains(p.Notes(), string(faults.AfterClaim)) || len(p.Notes()) == 0 && k.shots == 0, nil
	}); err != nil {
		return fmt.Errorf("%w:\n%s", err, p.Said())
	}
	select {
	case <-k.clock.After(time.Duration(k.random.Int64N(int64(k.longest(ctx))))):
	case <-p.Ended:
		return fmt.Errorf("it ended by itself:\n%s", p.Said())
	}
	if err := k.prepare(ctx); err != nil {
		return err
	}
	p.Kill()
	k.shots++
	return k.packs.look(k.content())
}

// longest is how long a life may be, so that files are left for all others: as if
// a page took no more than a twentieth of a second.
func (k *killing) longest(ctx context.Context) time.Duration {
	pages := 0
	_ = k.query(ctx, func(db *pgx.Conn) error { // a guess will do
		return db.QueryRow(ctx, `SELECT count(*) / 1000 FROM read.files WHERE source_id = $1`, k.source).Scan(&pages)
	})
	left := max(1, k.files/1000-pages)
	return time.Duration(left) * 50 * time.Millisecond / time.Duration(len(k.left)+1)
}

// prepare brings about what the next point needs: a hint in the inbox, or read
// tables of an older program.
func (k *killing) prepare(ctx context.Context) error {
	if len(k.left) == 0 {
		return nil
	}
	switch k.left[0] {
	case faults.InSwap:
		return k.query(ctx, func(db *pgx.Conn) error {
			_, err := db.Exec(ctx, `UPDATE read.meta SET ddl_sha256 = '\x00'`)
			return err
		})
	case faults.BeforeRelay, faults.AfterRelay:
		return k.hint(ctx)
	default:
		return nil
	}
}

// hint puts a hint into the inbox, as the API does when the log is away.
func (k *killing) hint(ctx context.Context) error {
	url, _, err := k.at()
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	id, err := domain.ParseSourceID(k.source)
	if err != nil {
		return err
	}
	src, err := projections.NewReader(db).Source(ctx, id)
	if err != nil {
		return err
	}
	delivery := fmt.Sprint("delivery-", len(k.hints))
	e, err := src.Hinted(domain.Hint{Origin: "webhook", DeliveryID: delivery}, k.clock.Now())
	if err != nil {
		return err
	}
	m := domain.Message{ID: domain.NewHintEventID(id, delivery, domain.Digest{}), Time: e.At, Partition: src.Partition, Event: e}
	k.hints = append(k.hints, m.ID)
	return postgres.NewInbox(db).Put(ctx, m)
}

// next lets a service die at the next point and starts one more.
func (k *killing) next(ctx context.Context) (*testbed.Process, error) {
	point := k.left[0]
	k.left = k.left[1:]
	p, err := k.launch(ctx, fmt.Sprintf("%s@1=kill", point))
	if err != nil {
		return nil, err
	}
	select {
	case <-p.Ended:
	case <-k.clock.After(pointTime):
		return nil, fmt.Errorf("it did not come to the point %q in %s:\n%s", point, pointTime, p.Said())
	}
	if !slices.Contains(p.Notes(), string(point)) {
		return nil, fmt.Errorf("it ended by itself, not at the point %q:\n%s", point, p.Said())
	}
	k.hit[point]++
	if err := k.packs.look(k.content()); err != nil {
		return nil, err
	}
	return k.start(ctx, string(faults.AfterClaim)+"@1=tell")
}

// pointTime bounds how long it may take to come to a point.
const pointTime = time.Minute

// open tells whether the job that was killed is the first one, still.
func (k *killing) open(ctx context.Context) (yes bool, err error) {
	err = k.query(ctx, func(db *pgx.Conn) error {
		return db.QueryRow(ctx, `SELECT count(*) = 1 FROM read.sync_jobs WHERE source_id = $1 AND job_id = $2 AND status NOT IN ('completed', 'failed')`, k.source, k.job.ID).Scan(&yes)
	})
	return yes, err
}

func (k *killing) figures(ctx context.Context, name string, open bool) ([]figures.Line, error) {
	j, err := k.judge(ctx)
	if err != nil {
		return nil, err
	}
	waiting := 0
	err = k.query(ctx, func(db *pgx.Conn) error {
		return db.QueryRow(ctx, `SELECT count(*) FROM app.hint_inbox`).Scan(&waiting)
	})
	named, inOne := 0, 0
	for _, n := range k.hit {
		named += n
	}
	if open {
		inOne = 1
	}
	lines := []figures.Line{
		figures.Reaching(name+"_kills", "kills", float64(k.shots+named), float64(k.kills)),
		figures.Reaching(name+"_kills_at_points", "kills", float64(named), float64(k.kills/2)),
		figures.Exactly(name+"_points_hit", "points", float64(len(k.hit)), float64(min(k.kills/2, len(points())))),
		figures.Exactly(name+"_in_one_sync", "syncs", float64(inOne), 1),
		figures.Below(name+"_pages_stored_twice", "pages of a kill", float64(k.packs.wasted(j.kept)), 1),
		figures.Exactly(name+"_hints_lost", "hints", float64(waiting+k.lost(j.heard)), 0),
	}
	return append(lines, j.lines(name)...), err
}

// lost counts the hints that are not on the log.
func (k *killing) lost(heard map[string]bool) (n int) {
	for _, id := range k.hints {
		if !heard[id.String()] {
			n++
		}
	}
	return n
}
