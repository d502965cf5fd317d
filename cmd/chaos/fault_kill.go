package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/domain"
)

// points are all at which the service is killed.
func points() []faults.Point {
	return []faults.Point{
		faults.BeforePack, faults.AfterPack, faults.MidPage, faults.BeforeProgress, faults.BeforeClaim, faults.AfterClaim,
		faults.InProjector, faults.AfterInbox, faults.BeforeRelay, faults.AfterRelay, faults.InSwap,
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
	k.plan()
	p, err := s.start(ctx, k.life())
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, p); err != nil {
		return nil, err
	}
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

// away keeps the hints of deliveries in the inbox.
const away = string(faults.BeforeHint) + "@0=refuse," + string(faults.BeforeRelay) + "@0=refuse"

// life is the plan of a service that is killed at a random moment: it tells when it
// has claimed the source, and keeps what the next point needs in the inbox.
func (k *killing) life() string {
	plan := string(faults.AfterClaim) + "@1=tell"
	if len(k.left) > 0 && relays(k.left[0]) {
		plan += "," + away
	}
	return plan
}

// relays tells whether a point is passed by hints of the inbox.
func relays(p faults.Point) bool { return p == faults.BeforeRelay || p == faults.AfterRelay }

// shoot kills a service at a random moment, and prepares what the next one is to
// die at.
func (k *killing) shoot(ctx context.Context, p *testbed.Process) error {
	if err := k.until(ctx, "a claim", func() (bool, error) { return slices.Contains(p.Notes(), string(faults.AfterClaim)), nil }); err != nil {
		return fmt.Errorf("%w:\n%s", err, p.Said())
	}
	select {
	case <-k.clock.After(time.Duration(k.random.Int64N(int64(k.longest(ctx))))):
	case <-p.Ended:
		return fmt.Errorf("it ended by itself:\n%s", p.Said())
	}
	if err := k.prepare(ctx, p); err != nil {
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
func (k *killing) prepare(ctx context.Context, p *testbed.Process) error {
	switch {
	case len(k.left) == 0:
		return nil
	case k.left[0] == faults.InSwap:
		return k.query(ctx, func(db *pgx.Conn) error {
			_, err := db.Exec(ctx, `UPDATE read.meta SET ddl_sha256 = '\x00'`)
			return err
		})
	case relays(k.left[0]):
		return k.deliver(ctx, p)
	}
	return nil
}

// deliver sends a webhook about the source to a service. It has to be durable even
// if the answer is lost, as long as the service came to keep it.
func (k *killing) deliver(ctx context.Context, p *testbed.Process) error {
	source, err := domain.ParseSourceID(k.source)
	if err != nil {
		return err
	}
	delivery := fmt.Sprint("delivery-", len(k.hints))
	body := k.tree + "\n" + delivery
	k.hints = append(k.hints, domain.NewHintEventID(source, "", sha256.Sum256([]byte(body))))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/webhooks/localfs", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json") // what the API takes
	req.Header.Set(faults.Delivery, delivery)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only the status counts
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a delivery is answered with %s:\n%s", resp.Status, p.Said())
	}
	return nil
}

// next lets a service die at the next point and starts one more.
func (k *killing) next(ctx context.Context) (*testbed.Process, error) {
	point := k.left[0]
	k.left = k.left[1:]
	p, err := k.die(ctx, point)
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
	return k.start(ctx, k.life())
}

// die starts a service that comes to a point and dies there. Between a row of the
// inbox and its append one dies that has just written it, for a delivery that is
// never answered.
func (k *killing) die(ctx context.Context, point faults.Point) (*testbed.Process, error) {
	plan := fmt.Sprintf("%s@1=kill", point)
	if point != faults.AfterInbox {
		return k.launch(ctx, plan)
	}
	p, err := k.start(ctx, plan+","+away)
	if err != nil {
		return nil, err
	}
	if err := k.deliver(ctx, p); err == nil {
		return nil, fmt.Errorf("a delivery is answered by a service that should be dead:\n%s", p.Said())
	}
	return p, nil
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
	if err := k.until(ctx, "an empty inbox", func() (bool, error) { return k.relayed(ctx) }); err != nil {
		return nil, err
	}
	j, err := k.judge(ctx)
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
		figures.Exactly(name+"_hints_lost", "hints", float64(k.lost(j.heard)), 0),
	}
	return append(lines, j.lines(name)...), err
}

// relayed tells whether nothing waits in the inbox.
func (k *killing) relayed(ctx context.Context) (yes bool, err error) {
	err = k.query(ctx, func(db *pgx.Conn) error {
		return db.QueryRow(ctx, `SELECT count(*) = 0 FROM app.hint_inbox`).Scan(&yes)
	})
	return yes, err
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
