package embed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/chunk"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

const (
	maxItems = 32      // chunks in a batch
	maxBytes = 256_000 // of their text: a vector takes about 5 KB of JSON each
	fill     = 20 * time.Millisecond
	workers  = 4
)

// A Consumer works chunks off. All fields are required.
type Consumer struct {
	Live       pipeline.Feed
	Again      pipeline.Feed // of what is handed on again; what is not this stage's is left out
	Embeddings pipeline.Client
	Graph      pipeline.Client
	Items      domain.HandedItems
	Sources    pipeline.Sources
	Dead       message.Publisher
	DeadTopic  string
	Reports    domain.Log
	Clock      domain.Clock
	Log        *slog.Logger
	First      time.Duration // wait before the second try; it doubles
	Last       time.Duration // at most
	Observe    func(pipeline.Observed)
}

// A work is a chunk with what belongs to it.
type work struct {
	msg    *message.Message
	chunk  Chunk
	item   domain.HandedItem
	source domain.Source
	again  bool
}

// Run works off until ctx ends. What was not acked by then comes again.
func (c *Consumer) Run(ctx context.Context) error {
	live, err := c.Live.Subscriber.Subscribe(ctx, c.Live.Topic)
	if err != nil {
		return fmt.Errorf("embed: %w", err)
	}
	again, err := c.Again.Subscriber.Subscribe(ctx, c.Again.Topic)
	if err != nil {
		return fmt.Errorf("embed: %w", err)
	}
	done := make(chan struct{})
	for range workers {
		go func() { defer func() { done <- struct{}{} }(); c.work(ctx, live, false) }()
	}
	go func() { defer func() { done <- struct{}{} }(); c.work(ctx, again, true) }()
	for range workers + 1 {
		<-done
	}
	if ctx.Err() == nil {
		return errors.New("embed: its topic cannot be read any more")
	}
	return ctx.Err()
}

// work settles batches until the feed ends.
func (c *Consumer) work(ctx context.Context, feed <-chan *message.Message, again bool) {
	for first := range feed {
		batch := []*message.Message{first}
		size := len(first.Payload)
		timer := time.NewTimer(fill)
		for open := true; open && len(batch) < maxItems && size < maxBytes; {
			select {
			case m, ok := <-feed:
				if open = ok; ok {
					batch, size = append(batch, m), size+len(m.Payload)
				}
			case <-timer.C:
				open = false
			}
		}
		timer.Stop()
		c.settle(ctx, batch, again)
	}
}

// settle acks each message of a batch once its fate is on the log. A crash before
// that repeats them.
func (c *Consumer) settle(ctx context.Context, batch []*message.Message, again bool) {
	var ready []work
	c.persist(ctx, func() (err error) { ready, err = c.prepare(ctx, batch, again); return err })
	if ctx.Err() != nil {
		return
	}
	if len(ready) > 0 && c.hand(ctx, ready) != nil {
		return // ctx has ended
	}
	for _, m := range batch {
		m.Ack()
	}
}

// prepare finds what belongs to each chunk and leaves out what has nothing.
func (c *Consumer) prepare(ctx context.Context, batch []*message.Message, again bool) ([]work, error) {
	var all []work
	var ids []uuid.UUID
	for _, m := range batch {
		w := work{msg: m, again: again}
		if again && m.Metadata[wire.HeaderStage] != Name || m.Metadata[headerPush] != pushEmbed {
			continue
		}
		if err := json.Unmarshal(m.Payload, &w.chunk); err != nil {
			c.Log.ErrorContext(ctx, "chunk on the log cannot be read", "offset", m.Metadata[wire.MetaOffset], "err", err)
			continue
		}
		all, ids = append(all, w), append(ids, w.chunk.ItemID)
	}
	if len(all) == 0 {
		return nil, nil
	}
	items, err := c.Items.Find(ctx, chunk.Name, ids)
	if err != nil {
		return nil, err
	}
	var known []work
	sources := make(map[domain.SourceID]domain.Source)
	for _, w := range all {
		item, ok := items[w.chunk.ItemID]
		if !ok || item.SourceID.UUID != w.chunk.SourceID { // of a source that is gone, or none of ours
			c.Log.WarnContext(ctx, "chunk of an unknown item", "item", w.chunk.ItemID, "source", w.chunk.SourceID)
			c.Observe(pipeline.Observed{Stage: Name, State: domain.StageSkipped, Again: again})
			continue
		}
		source, found := sources[item.SourceID]
		if !found {
			source, err = c.Sources(ctx, item.SourceID)
			if err != nil && !errors.Is(err, domain.ErrSourceNotFound) {
				return nil, err
			}
			sources[item.SourceID] = source
		}
		if w.item, w.source = item, source; source.Registered && !source.Removed {
			known = append(known, w)
		}
	}
	return known, nil
}

// hand gives chunks to the graph; of those that are refused, halves, until the
// guilty one is alone. It returns an error only when ctx has ended.
func (c *Consumer) hand(ctx context.Context, batch []work) error {
	var final error
	c.persist(ctx, func() error {
		vectors, err := c.vectors(ctx, batch)
		if err == nil {
			err = c.store(ctx, batch, vectors)
		}
		if pipeline.IsFinal(err) {
			final, err = err, nil
		}
		return err
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case final == nil:
		return c.done(ctx, batch)
	case len(batch) == 1:
		c.persist(ctx, func() error { return c.bury(ctx, batch[0], final) })
		return ctx.Err()
	}
	half := len(batch) / 2
	if err := c.hand(ctx, batch[:half]); err != nil {
		return err
	}
	return c.hand(ctx, batch[half:])
}

// persist tries until it succeeds or ctx ends: trouble is waited out.
func (c *Consumer) persist(ctx context.Context, try func() error) {
	for wait := c.First; ctx.Err() == nil; wait = min(2*wait, c.Last) {
		err := try()
		if err == nil || ctx.Err() != nil {
			return
		}
		c.Log.WarnContext(ctx, "neighbour in trouble", "stage", Name, "err", err)
		c.Observe(pipeline.Observed{Stage: Name, Trouble: true})
		timer := time.NewTimer(max(pipeline.Later(err), wait/2+rand.N(wait/2+1))) // spreads tries, no secret
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}
