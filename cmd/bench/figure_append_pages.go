package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/domain"
)

const (
	pageEvents = 1000
	pageLinger = 5 * time.Millisecond // as the service has it for pages
)

func appendPagesFigure() figure {
	return figure{
		name:      "append_pages",
		title:     "Appending pages: 1,000 FileChanged, all acknowledged, then their sync_progressed, acknowledged",
		reference: "franz-go with the same settings: the same records, already encoded, same partition, the same two waits",
		measure:   appendPages,
	}
}

// A scenario is a page to append: what goes first, and what goes behind it.
type scenario struct {
	files    []domain.Message
	progress domain.Message
}

func appendPages(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	c, err := b.servers.NewCorner(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	o, err := c.Kafka(ctx, 2, b.log)
	if err != nil {
		return nil, err
	}
	o.Linger = pageLinger
	log, err := kafka.NewLog(o)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	raw, err := rawClient(b.servers.Brokers, kgo.ProducerLinger(pageLinger))
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	pages, err := scenarios(b.clock.Now(), b.scaled(40), distinctPages)
	if err != nil {
		return nil, err
	}
	ours := func(ctx context.Context) (float64, error) { return timePages(ctx, b, log, pages) }
	encoded, err := rawPages(o.Layout.Events(), pages)
	if err != nil {
		return nil, err
	}
	plainClient := func(ctx context.Context) (float64, error) { return timeRawPages(ctx, b, raw, encoded) }
	for _, warm := range []piece{ours, plainClient} {
		if _, err := warm(ctx); err != nil {
			return nil, err
		}
	}
	value, ref, err := b.medians(ctx, ours, plainClient)
	return []figures.Line{figures.AtLeast("append_pages", "events/s", value, ref, 0.7)}, err
}

// distinctPages is how many pages are appended in turn. A run appends what it has just
// made, so the memory of a page is near the processor, as that of few pages is.
const distinctPages = 4

// scenarios are n pages, of which some are different.
func scenarios(at time.Time, n, different int) ([]scenario, error) {
	s, err := newStory(0, at)
	if err != nil {
		return nil, err
	}
	pages := make([]scenario, n)
	for i := range pages {
		if i >= different {
			pages[i] = pages[i-different]
			continue
		}
		pages[i].files = s.files(pageEvents)
		if pages[i].progress, err = s.progressed(); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// passes is how often a round appends all pages: one pass is over too soon to be the
// same twice.
const passes = 10

func timePages(ctx context.Context, b *bench, log *kafka.Log, pages []scenario) (float64, error) {
	start := b.clock.Now()
	for range passes {
		for _, p := range pages {
			if _, err := log.Append(ctx, p.files...); err != nil {
				return 0, err
			}
			if _, err := log.Append(ctx, p.progress); err != nil {
				return 0, err
			}
		}
	}
	return rate(passes*len(pages)*(pageEvents+1), b.elapsed(start)), nil
}

// A rawPage is a scenario as the client sends it.
type rawPage struct{ files, progress []*kgo.Record }

func rawPages(topic string, pages []scenario) ([]rawPage, error) {
	encoded := make([]rawPage, len(pages))
	for i, p := range pages {
		var err error
		if encoded[i].files, err = rawRecords(topic, p.files...); err != nil {
			return nil, err
		}
		if encoded[i].progress, err = rawRecords(topic, p.progress); err != nil {
			return nil, err
		}
	}
	return encoded, nil
}

func timeRawPages(ctx context.Context, b *bench, raw *kgo.Client, pages []rawPage) (float64, error) {
	start := b.clock.Now()
	for range passes {
		for _, p := range pages {
			if err := raw.ProduceSync(ctx, p.files...).FirstErr(); err != nil {
				return 0, err
			}
			if err := raw.ProduceSync(ctx, p.progress...).FirstErr(); err != nil {
				return 0, err
			}
		}
	}
	return rate(passes*len(pages)*(pageEvents+1), b.elapsed(start)), nil
}
