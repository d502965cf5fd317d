package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/domain"
)

const (
	callers        = 64
	hintsPerCaller = 100
)

func appendHintsFigure() figure {
	return figure{
		name:      "append_hints",
		title:     "Appending hints or commands: 64 callers at once, each waits for its own event, one after the other",
		reference: "franz-go with the same settings: the same callers, the same records, already encoded",
		measure:   appendHints,
	}
}

func appendHints(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	c, err := b.servers.NewCorner(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	o, err := c.Kafka(ctx, kafka.DefaultPartitions, b.log)
	if err != nil {
		return nil, err
	}
	log, err := kafka.NewLog(o)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	raw, err := rawClient(b.servers.Brokers, kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	messages, err := hintsOf(b)
	if err != nil {
		return nil, err
	}
	var slow, slowRef []float64
	ours := func(ctx context.Context) (float64, error) {
		return b.crowd(ctx, &slow, func(ctx context.Context, caller, i int) error {
			_, err := log.Append(ctx, messages[caller][i])
			return err
		})
	}
	plainClient := func(ctx context.Context) (float64, error) {
		records, err := rawHints(o.Layout.Events(), messages)
		if err != nil {
			return 0, err
		}
		return b.crowd(ctx, &slowRef, func(ctx context.Context, caller, i int) error {
			return raw.ProduceSync(ctx, records[caller][i]).FirstErr()
		})
	}
	for _, warm := range []piece{ours, plainClient} {
		if _, err := warm(ctx); err != nil {
			return nil, err
		}
	}
	slow, slowRef = nil, nil
	value, ref, err := b.medians(ctx, ours, plainClient)
	if err != nil {
		return nil, err
	}
	return []figures.Line{
		figures.AtLeast("append_hints", "events/s", value, ref, 0.6),
		figures.AtMost("append_hints_p99", "ms", quantile(slow, 0.5), quantile(slowRef, 0.5), 3, 0),
	}, nil
}

// hintsOf has a source for each caller, in any of the partitions.
func hintsOf(b *bench) ([][]domain.Message, error) {
	messages := make([][]domain.Message, callers)
	for caller := range messages {
		s, err := newStory(int32(caller%kafka.DefaultPartitions), b.clock.Now())
		if err != nil {
			return nil, err
		}
		for range b.scaled(hintsPerCaller) {
			m, err := s.hint()
			if err != nil {
				return nil, err
			}
			messages[caller] = append(messages[caller], m)
		}
	}
	return messages, nil
}

func rawHints(topic string, messages [][]domain.Message) ([][]*kgo.Record, error) {
	records := make([][]*kgo.Record, len(messages))
	for caller, own := range messages {
		var err error
		if records[caller], err = rawRecords(topic, own...); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// crowd lets all callers do their calls and gives the rate. The p99 of the calls,
// in milliseconds, is added to slow.
func (b *bench) crowd(ctx context.Context, slow *[]float64, call func(ctx context.Context, caller, i int) error) (float64, error) {
	n := b.scaled(hintsPerCaller)
	took := make([]float64, callers*n)
	group, ctx := errgroup.WithContext(ctx)
	start := b.clock.Now()
	for caller := range callers {
		group.Go(func() error {
			for i := range n {
				begin := b.clock.Now()
				if err := call(ctx, caller, i); err != nil {
					return err
				}
				took[caller*n+i] = millis(b.elapsed(begin))
			}
			return nil
		})
	}
	err := group.Wait()
	*slow = append(*slow, quantile(took, 0.99))
	return rate(callers*n, b.elapsed(start)), err
}
