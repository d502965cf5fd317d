package embed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	parallel = 4 // batches at once: embeddings does one text after the other
)

// Items knows what belongs to the items that the chunk stage gave, and what became
// of their chunks: postgres.Handed.
type Items interface {
	// Find is that of domain.HandedItems.
	Find(ctx context.Context, stage string, ids []uuid.UUID) (map[uuid.UUID]domain.HandedItem, error)
	// Taken tells which chunks were accepted before, by their own ids.
	Taken(ctx context.Context, stage string, parts []domain.HandedPart) (map[uuid.UUID]bool, error)
	// Take remembers that chunks were accepted, each once; Refuse that one never will be.
	Take(ctx context.Context, stage string, parts []domain.HandedPart) error
	Refuse(ctx context.Context, stage string, p domain.RefusedPart) error
	// Parts tells what became of the chunks of items.
	Parts(ctx context.Context, stage string, items []uuid.UUID) (map[uuid.UUID]domain.Parts, error)
}

// A Consumer works chunks off. All fields down to Log are required.
type Consumer struct {
	Live       pipeline.Feed
	Again      pipeline.Feed // of what is handed on again; what is not this stage's is left out
	Embeddings pipeline.Client
	Graph      pipeline.Client
	Items      Items
	Sources    pipeline.Sources
	Dead       message.Publisher
	DeadTopic  string
	Reports    domain.Log
	Clock      domain.Clock
	Log        *slog.Logger

	Patience pipeline.Patience
	Observe  func(pipeline.Observed) // nil: nobody is told

	line *pipeline.Line[*work]
}

// A work is a chunk with what belongs to it.
type work struct {
	msg    *message.Message
	chunk  Chunk
	item   domain.HandedItem
	source domain.Source
}

func (w *work) decode() error { return json.Unmarshal(w.msg.Payload, &w.chunk) }

func (w *work) part() domain.HandedPart { return domain.HandedPart{Item: w.item.ID, ID: w.chunk.ID} }

// Run works off until ctx ends. What was not answered for by then comes again.
func (c *Consumer) Run(ctx context.Context) error {
	c.line = &pipeline.Line[*work]{
		Name: Name, Limits: pipeline.Limits{Items: maxItems, Bytes: maxBytes, Wait: fill},
		Size: func(w *work) int64 { return int64(len(w.msg.Payload)) },
		Ask:  c.ask, Dead: letters{c}, DeadTopic: c.DeadTopic, Clock: c.Clock, Log: c.Log, Patience: c.Patience, Parallel: parallel, Observe: c.Observe,
	}
	return c.line.Run(ctx, c.take, c.Live, c.Again)
}

// take hands on the chunk of one message.
func (c *Consumer) take(msg *message.Message) error {
	if msg.Metadata[headerPush] != pushEmbed || msg.Metadata[wire.MetaTopic] == c.Again.Topic && msg.Metadata[wire.HeaderStage] != Name {
		return nil
	}
	w := &work{msg: msg}
	if err := w.decode(); err != nil {
		return pipeline.Final(fmt.Errorf("chunk on the log: %w", err))
	}
	if why := msg.Metadata[headerRefused]; why != "" {
		return pipeline.Final(errors.New(why))
	}
	outcome, tried, err := c.line.Hand(msg.Context(), w, w.again())
	if err != nil {
		return err
	}
	tried.Note(msg)
	if outcome.State == domain.StageFailed {
		return pipeline.Final(outcome.Err)
	}
	return nil
}

// ask brings chunks to embeddings and then to the graph, unless the graph has them, and
// reports the files of those that the graph has: pipeline.Line.Ask. A crash before that
// is remembered repeats the chunks.
func (c *Consumer) ask(ctx context.Context, batch []*work) ([]pipeline.Outcome, error) {
	outcomes := make([]pipeline.Outcome, len(batch))
	known, err := c.find(ctx, batch, outcomes)
	if err != nil || len(known) == 0 {
		return outcomes, err
	}
	missing, err := c.missing(ctx, known)
	if err != nil {
		return nil, err
	}
	refused, err := c.give(ctx, missing)
	if err != nil {
		return nil, err
	}
	var accepted []*work
	for _, w := range known {
		if refused[w.chunk.ID] == nil {
			accepted = append(accepted, w)
		}
	}
	for n, w := range batch {
		if err := refused[w.chunk.ID]; err != nil {
			outcomes[n] = pipeline.Failed(err)
		}
	}
	if len(accepted) == 0 {
		return outcomes, nil
	}
	return outcomes, c.accepted(ctx, accepted)
}

// missing leaves out what the graph has already: a crash came before its report, or
// before its record was done with.
func (c *Consumer) missing(ctx context.Context, batch []*work) ([]*work, error) {
	taken, err := c.Items.Taken(ctx, chunk.Name, partsOf(batch))
	if err != nil {
		return nil, pipeline.Own(err)
	}
	return slices.DeleteFunc(slices.Clone(batch), func(w *work) bool { return taken[w.chunk.ID] }), nil
}

// find finds what belongs to each chunk and gives those that something belongs to.
// The others are skipped.
func (c *Consumer) find(ctx context.Context, batch []*work, outcomes []pipeline.Outcome) ([]*work, error) {
	ids := make([]uuid.UUID, len(batch))
	for n, w := range batch {
		ids[n] = w.chunk.ItemID
	}
	items, err := c.Items.Find(ctx, chunk.Name, ids)
	if err != nil {
		return nil, pipeline.Own(err)
	}
	var known []*work
	sources := make(map[domain.SourceID]domain.Source)
	for n, w := range batch {
		item, ok := items[w.chunk.ItemID]
		if !ok || item.SourceID.UUID != w.chunk.SourceID { // of a source that is gone, or none of ours
			c.Log.WarnContext(ctx, "chunk of an unknown item", "item", w.chunk.ItemID, "source", w.chunk.SourceID)
			outcomes[n] = c.skipped(w, reasonUnknown)
			continue
		}
		source, asked := sources[item.SourceID]
		if !asked {
			if source, err = c.source(ctx, item.SourceID); err != nil {
				return nil, pipeline.Own(err)
			}
			sources[item.SourceID] = source
		}
		w.item, w.source = item, source
		if !w.source.Registered || w.source.Removed {
			outcomes[n] = c.skipped(w, pipeline.ReasonSourceGone)
			continue
		}
		known = append(known, w)
	}
	return known, nil
}

// reasonUnknown is a chunk of which nobody knows what it is a part of.
const reasonUnknown = "unknown_item"

func (c *Consumer) skipped(w *work, reason string) pipeline.Outcome {
	c.line.Observed(pipeline.Observed{State: domain.StageSkipped, Again: w.again()})
	return pipeline.Skipped(reason)
}

func (w *work) again() bool { return w.msg.Metadata[wire.HeaderReplay] != "" }
