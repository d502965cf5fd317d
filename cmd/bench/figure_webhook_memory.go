package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

const (
	largestDelivery = 25 << 20 // bytes: more is refused
	largeDeliveries = 3        // at once
	largeMemory     = 64       // MiB
	largeTries      = 100      // of a delivery that is told to come again
	largeAgain      = 100 * time.Millisecond
)

func webhookMemoryFigure() figure {
	return figure{
		name:      "webhook_memory",
		title:     "How much more memory the service has resident at its peak while three deliveries of 25 MB come at once, until all are taken",
		reference: "none: the limit is 64 MiB",
		measure:   webhookMemory,
	}
}

func webhookMemory(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	err = testbed.WithForge(ctx, b.dir, func(ctx context.Context, f *testbed.Forge) error {
		more, err := b.largeDeliveries(ctx, f)
		lines = []figures.Line{figures.Below("webhook_memory", "MiB", more, largeMemory)}
		return err
	})
	return lines, err
}

// largeDeliveries gives the memory, in MiB, that they take in a service that is at
// rest.
func (b *bench) largeDeliveries(ctx context.Context, f *testbed.Forge) (more float64, err error) {
	f.Repo.Commit("main", gittest.Put("a", "a"))
	s, err := b.startService(ctx, b.dir, f.Variables()...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	_, first, err := s.ConnectForge(ctx, f)
	if err == nil {
		err = s.Wait(ctx, first)
	}
	if err != nil {
		return 0, err
	}
	before, err := s.Resident()
	if err == nil {
		err = s.ForgetPeak()
	}
	if err != nil {
		return 0, err
	}
	group, sending := errgroup.WithContext(ctx)
	for i := range int64(largeDeliveries) {
		group.Go(func() error { return b.insist(sending, s.URL, f, i) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	peak, err := s.Peak()
	return peak - before, err
}

// insist sends a delivery until it is taken: large ones are taken in turn.
func (b *bench) insist(ctx context.Context, url string, f *testbed.Forge, n int64) (err error) {
	body := f.Push(n, largestDelivery)
	for range largeTries {
		req, failed := f.Delivery(ctx, url, fmt.Sprint("large-", n), body)
		if failed != nil {
			return failed
		}
		if err = testbed.Send(http.DefaultClient, req); err == nil {
			return nil
		}
		select {
		case <-b.clock.After(largeAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}
