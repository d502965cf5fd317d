package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// pushes is how many are measured; morePushed is what one more changes, to see
// whether the API is asked for files.
const (
	pushes     = 20
	morePushed = 100
)

func forgePushFigure() figure {
	return figure{
		name:      "forge_push",
		title:     "From the webhook of a push of one file to its row, hop by hop, in the Go source tree on a GitHub",
		reference: "`git fetch --depth=1` of the same push into another clone",
		note: "The hops: `hint` until the webhook is decided on, `request` until a sync is, `claim` until a worker has taken it, " +
			"`read` until the file is fetched and its event is made, `row` until the row can be read. Calls of the API per changed file are how many more a push of 100 files needs.",
		measure: forgePush,
	}
}

func forgePush(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	dir, err := os.MkdirTemp(b.dir, "bench-forge-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary files
	err = testbed.WithForge(ctx, dir, func(ctx context.Context, f *testbed.Forge) error {
		lines, err = b.pushTo(ctx, f, dir)
		return err
	})
	return lines, err
}

func (b *bench) pushTo(ctx context.Context, f *testbed.Forge, dir string) (lines []figures.Line, err error) {
	most := 0
	if b.scale != 1 {
		most = b.scaled(10_000)
	}
	n, err := f.ImportGo(ctx, most)
	if err != nil {
		return nil, err
	}
	f.Repo.Commit("main", gittest.Put("pushed", "0"))
	s, err := b.startService(ctx, dir, f.Variables()...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	p := &pusher{service: s, forge: f, clone: filepath.Join(dir, "clone"), saved: saved{path: "pushed", took: map[string][]float64{}}}
	if p.source, _, err = timeConnectForge(ctx, s, f, n+1); err != nil {
		return nil, err
	}
	if _, err := git(ctx, nil, "clone", "--quiet", "--bare", "--depth=1", f.Repo.URL, p.clone); err != nil {
		return nil, err
	}
	if p.db, err = pgxpool.New(ctx, s.Database); err != nil {
		return nil, err
	}
	defer p.db.Close()
	return p.all(ctx)
}

// A pusher pushes to a forge and waits for the rows.
type pusher struct {
	service *service
	forge   *testbed.Forge
	clone   string // that the reference fetches into
	db      *pgxpool.Pool
	sent    int64
	fetches []float64 // ms
	saved
}

func (p *pusher) all(ctx context.Context) (lines []figures.Line, err error) {
	one, many := 0, 0
	for i := range p.service.bench.scaled(pushes) + 2 {
		edits := []gittest.Edit{gittest.Put("pushed", fmt.Sprint("push ", i))}
		if i == 1 {
			for n := range morePushed {
				edits = append(edits, gittest.Put(fmt.Sprint("many/", n), fmt.Sprint(n)))
			}
		}
		p.forge.API.Calls()
		if err := p.push(ctx, edits...); err != nil {
			return nil, err
		}
		switch calls := len(p.forge.API.Calls()); i {
		case 0: // what is done once is done here
			one = calls
		case 1:
			many = calls
			clear(p.took)
			p.fetches = nil
		}
	}
	total := quantile(p.took["total"], 0.5)
	lines = append(lines,
		figures.AtMost("forge_push", "ms", total, quantile(p.fetches, 0.5), 3, 0), figures.Plain("forge_push_p99", "ms", quantile(p.took["total"], 0.99)),
		figures.Exactly("forge_push_calls_per_changed_file", "calls", float64(many-one)/morePushed, 0),
	)
	for _, hop := range hops() {
		lines = append(lines, figures.Plain("forge_push_"+hop+"_median", "ms", quantile(p.took[hop], 0.5)))
	}
	return lines, nil
}

// push pushes, fetches it as git does, tells the service and waits for the row.
func (p *pusher) push(ctx context.Context, edits ...gittest.Edit) error {
	b := p.service.bench
	select {
	case <-b.clock.After(quiet):
	case <-ctx.Done():
		return ctx.Err()
	}
	at, err := standingOf(ctx, p.service, p.db, p.saved)
	if err != nil {
		return err
	}
	p.forge.Repo.Commit("main", edits...)
	start := b.clock.Now()
	if _, err := git(ctx, nil, "--git-dir="+p.clone, "fetch", "--quiet", "--depth=1", p.forge.Repo.URL, "main"); err != nil {
		return err
	}
	p.fetches = append(p.fetches, millis(b.elapsed(start)))
	p.sent++
	req, err := p.forge.Delivery(ctx, p.service.URL, fmt.Sprint("push-", p.sent), p.forge.Push(p.sent, deliverySize))
	if err != nil {
		return err
	}
	start = b.clock.Now()
	if err := testbed.Send(http.DefaultClient, req); err != nil {
		return err
	}
	return timeHops(ctx, p.service, p.db, p.saved, at, start)
}
