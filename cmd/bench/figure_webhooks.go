package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/connectors/github"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
	"github.com/confuse/data-connector/projections"
)

// deliverySize is that of a push with a dozen commits, in bytes.
const deliverySize = 8 << 10

func webhooksFigure() figure {
	return figure{
		name:      "webhooks",
		title:     "Webhooks: 64 connections, each sends signed deliveries of 8 KB, one after the other, and each is durable before its answer",
		reference: "the same handler, servers and senders, with a log that answers at once and keeps nothing",
		note:      "Senders and handler share the processors, as they do on no real machine.",
		measure:   webhooks,
	}
}

func webhooks(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	err = testbed.WithForge(ctx, b.dir, func(ctx context.Context, f *testbed.Forge) error {
		lines, err = b.webhooksOf(ctx, f)
		return err
	})
	return lines, err
}

func (b *bench) webhooksOf(ctx context.Context, f *testbed.Forge) (lines []figures.Line, err error) {
	d, err := b.newDesk(ctx, f)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close(ctx)) }()
	var slow, slowRef []float64
	logged := func(ctx context.Context) (float64, error) { return d.crowd(ctx, d.log, &slow) }
	unlogged := func(ctx context.Context) (float64, error) { return d.crowd(ctx, nowhere{d.log}, &slowRef) }
	for _, warm := range []piece{logged, unlogged} {
		if _, err := warm(ctx); err != nil {
			return nil, err
		}
	}
	slow, slowRef = nil, nil
	value, ref, err := b.medians(ctx, logged, unlogged)
	if err != nil {
		return nil, err
	}
	return []figures.Line{
		figures.AtLeast("webhooks", "deliveries/s", value, ref, 0.5),
		figures.Plain("webhooks_p99", "ms", quantile(slow, 0.5)), figures.Plain("webhooks_p99_without_log", "ms", quantile(slowRef, 0.5)),
	}, nil
}

// nowhere is a log that takes everything at once.
type nowhere struct{ domain.Log }

// Append implements domain.Log.
func (nowhere) Append(_ context.Context, messages ...domain.Message) ([]domain.Position, error) {
	return make([]domain.Position, len(messages)), nil
}

// A desk takes deliveries in this process, as the service does, for one source.
type desk struct {
	bench  *bench
	forge  *testbed.Forge
	corner *testbed.Corner
	log    domain.Log
	said   *slog.Logger // of the handler: each request is a line, as in the service
	taker  func(domain.Log) *ingest.Webhooks
	sent   int64 // deliveries, no two of which are the same

	closers []func() error
}

// newDesk lets a service connect the repository of f, and ends it: what the hints
// lead to is not measured here.
func (b *bench) newDesk(ctx context.Context, f *testbed.Forge) (*desk, error) {
	f.Repo.Commit("main", gittest.Put("a", "a"))
	s, err := b.startService(ctx, b.dir, f.Variables()...)
	if err != nil {
		return nil, err
	}
	d := &desk{bench: b, forge: f, corner: s.Corner}
	_, first, err := s.ConnectForge(ctx, f)
	if err == nil {
		err = s.Wait(ctx, first)
	}
	s.Stop()
	if err == nil {
		err = d.open(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	return d, nil
}

func (d *desk) open(ctx context.Context) error {
	log, err := kafka.NewLog(kafka.Options{Brokers: d.corner.Brokers, Layout: d.corner.Layout(0), Log: d.bench.log})
	if err != nil {
		return err
	}
	d.log = log
	d.closers = append(d.closers, func() error { log.Close(); return nil })
	lines, err := os.Create(filepath.Join(d.corner.Dir, "handler.log"))
	if err != nil {
		return err
	}
	d.closers, d.said = append(d.closers, lines.Close), slog.New(slog.NewJSONHandler(lines, nil))
	db, err := postgres.Open(ctx, d.corner.Database)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, func() error { db.Close(); return nil })
	memory, err := redis.Open(ctx, d.corner.Redis)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, memory.Close)
	conn := github.New(github.Options{REST: rest.Options{Clock: d.bench.clock}})
	d.taker = func(log domain.Log) *ingest.Webhooks {
		return &ingest.Webhooks{
			Log: log, Index: projections.NewReader(db), Objects: postgres.NewReservations(db), Installed: projections.NewReader(db), Inbox: postgres.NewInbox(db), Idle: postgres.NewIdleDeliveries(db),
			Marks: redis.NewMarks(memory, d.corner.Prefix()), Clock: d.bench.clock, Logger: d.bench.log, Connectors: ingest.Connectors{conn},
			Secrets: map[domain.Provider][]domain.Secret{github.Provider: {domain.Secret(d.forge.Secret())}},
		}
	}
	return nil
}

func (d *desk) close(ctx context.Context) error {
	var all error
	for _, c := range d.closers {
		all = errors.Join(all, c())
	}
	return errors.Join(all, d.corner.Close(ctx))
}

// crowd is [bench.crowd] of senders at a handler in front of log.
func (d *desk) crowd(ctx context.Context, log domain.Log, slow *[]float64) (float64, error) {
	server := httptest.NewServer(httpapi.New(httpapi.Parts{
		Clock: d.bench.clock, Log: d.said, Metrics: http.NotFoundHandler(), Deliveries: httpapi.Deliveries{Webhooks: d.taker(log)},
	}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: callers, MaxIdleConnsPerHost: callers}}
	defer client.CloseIdleConnections()
	requests, err := d.requests(ctx, server.URL)
	if err != nil {
		return 0, err
	}
	return d.bench.crowd(ctx, slow, func(ctx context.Context, caller, i int) error {
		return testbed.Send(client, requests[caller][i].WithContext(ctx))
	})
}

// requests are all that the senders send, signed already.
func (d *desk) requests(ctx context.Context, url string) ([][]*http.Request, error) {
	all := make([][]*http.Request, callers)
	for caller := range all {
		for range d.bench.scaled(hintsPerCaller) {
			d.sent++
			req, err := d.forge.Delivery(ctx, url, fmt.Sprintf("delivery-%d", d.sent), d.forge.Push(d.sent, deliverySize))
			if err != nil {
				return nil, err
			}
			all[caller] = append(all[caller], req)
		}
	}
	return all, nil
}
