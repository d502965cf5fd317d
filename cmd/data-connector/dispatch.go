package main

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/chunk"
	"github.com/confuse/data-connector/adapters/pipeline/embed"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// dispatch runs the stages that are set up, each in consumer groups of its own,
// until ctx ends.
func (s *service) dispatch(ctx context.Context) error {
	o := s.kafka
	o.Linger = pageLinger
	reports, err := kafka.NewLog(o)
	if err != nil {
		return err
	}
	defer reports.Close()
	dead, err := kafka.NewPublisher(o)
	if err != nil {
		return err
	}
	defer dead.Close() //nolint:errcheck // what it says has been told to who published
	group, work := errgroup.WithContext(ctx)
	for _, of := range stages() {
		if !s.wanted(of.name) {
			continue
		}
		stage, err := of.make(s, pipeline.HTTPClient(s.DispatchLanes))
		if err != nil {
			return fmt.Errorf("stage %s: %w", of.name, err)
		}
		if stage == nil {
			continue
		}
		d := s.dispatcher(of, stage)
		d.Dead, d.Reports = dead, reports
		s.log.InfoContext(ctx, "stage runs", "stage", of.name)
		group.Go(func() error { return d.Run(work) })
	}
	if s.EmbedListen != "" && s.wanted(embed.Name) {
		group.Go(func() error { return s.embed(work, dead, reports) })
	}
	group.Go(func() error { return s.replay(work) })
	if s.kafka.Layout.FilesState {
		group.Go(func() error { return s.fileStates(dead).Run(work) })
	}
	return group.Wait()
}

func (s *service) dispatcher(of stageOf, stage pipeline.Stage) *pipeline.Dispatcher {
	_, sources := stage.(pipeline.SourceStage)
	againLanes := max(1, s.DispatchLanes/againShare)
	d := &pipeline.Dispatcher{
		Stage: stage,
		Live: pipeline.Feed{Topic: s.kafka.Layout.Events(), Subscriber: kafka.NewSubscriber(s.kafka, kafka.SubscriberOptions{
			Group: s.stageGroup(of.name), Instance: s.WorkerName, Lanes: pipeline.LanesPerCall * s.DispatchLanes, Window: s.DispatchWindow,
			Runs: s.runsBetween, Held: s.waiters.Wait, Sources: sources,
		})},
		Again: pipeline.Again{
			Feed: pipeline.Feed{Topic: s.kafka.Layout.Replay(), Subscriber: kafka.NewSubscriber(s.kafka, kafka.SubscriberOptions{
				Group: s.stageGroup(of.name) + againSuffix, Instance: s.WorkerName, Lanes: pipeline.LanesPerCall * againLanes, Window: s.DispatchWindow,
			})},
			Last: s.reader.LastStates, Messages: kafka.NewReader(s.kafka).Messages, Out: s.again, Cancelled: postgres.NewReplays(s.db).Cancelled,
		},
		DeadTopic: s.kafka.Layout.Dead(),
		Sources:   s.reader.Source, Contents: s.packs, Clock: s.clock, Log: s.log,
		Patience: s.patience(),
		Observe:  s.counts.stages.dispatched,
	}
	if of.single {
		d.Parallel = s.DispatchLanes + againLanes
	}
	return d
}

func (s *service) patience() pipeline.Patience {
	return pipeline.Patience{First: s.DispatchBackoff, Last: s.DispatchMaxWait, Trips: s.BreakerFailures, Open: s.BreakerOpen}
}

const (
	// againSuffix is behind the group of a stage for what is handed on again.
	againSuffix = "-again"
	// againShare of the lanes is for it: what is new goes first.
	againShare = 8
)

// stageGroup is the consumer group of a stage.
func (s *service) stageGroup(stage string) string { return s.KafkaPrefix + "-" + stage }

// runsBetween is kafka.Runs on the tables.
func (s *service) runsBetween(ctx context.Context, partition int32, from, to int64) (kafka.RunsBetween, error) {
	if err := s.waiters.Wait(ctx, domain.Position{Partition: partition, Offset: to - 1}); err != nil {
		return kafka.RunsBetween{}, err
	}
	rows, removed, err := s.reader.RunsBetween(ctx, partition, from, to)
	if err != nil {
		return kafka.RunsBetween{}, err
	}
	b := kafka.RunsBetween{Runs: make(map[domain.SourceID][]domain.Run), Removed: make(map[domain.SourceID]bool)}
	for _, row := range rows {
		b.Runs[row.SourceID] = append(b.Runs[row.SourceID], row.Run)
	}
	for source := range slices.Values(removed) {
		b.Removed[source] = true
	}
	return b, nil
}

// desk is where dead letters are settled.
func (s *service) desk() *pipeline.Desk {
	given := postgres.NewHanded(s.db)
	return &pipeline.Desk{
		Letters: s.reader, Messages: s.checkedReader().Messages, Dead: s.kafka.Layout.Dead(),
		Again: s.again, Topic: s.kafka.Layout.Replay(), Reports: s.commands, Clock: s.clock,
		Discarded: func(ctx context.Context, row projections.LetterRow) error {
			if row.Stage != embed.Name {
				return nil
			}
			return given.Absolve(ctx, chunk.Name, row.File, row.At) // its chunks are those of an item of the chunk stage
		},
	}
}
