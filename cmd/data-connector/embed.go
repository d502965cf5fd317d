package main

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/embed"
	"github.com/confuse/data-connector/adapters/postgres"
)

// embed runs the stage of that name: the receiver at its own address, and what works
// off what came.
func (s *service) embed(ctx context.Context, dead *kafka.Publisher, reports *kafka.Log) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.EmbedListen)
	if err != nil {
		return fmt.Errorf("listen on EMBED_LISTEN: %w", err)
	}
	receiver := &embed.Receiver{Topic: s.kafka.Layout.Chunks(), Chunks: s.again, Log: s.log}
	client := pipeline.HTTPClient(s.DispatchLanes)
	feed := func(topic, group string) pipeline.Feed {
		return pipeline.Feed{Topic: topic, Subscriber: kafka.NewSubscriber(s.kafka, kafka.SubscriberOptions{
			Group: group, Instance: s.WorkerName, Lanes: s.DispatchLanes, Window: s.DispatchWindow,
		})}
	}
	consumer := &embed.Consumer{
		Live:       feed(s.kafka.Layout.Chunks(), s.stageGroup(embed.Name)),
		Again:      feed(s.kafka.Layout.Replay(), s.stageGroup(embed.Name)+againSuffix),
		Embeddings: s.neighbour(s.EmbeddingsURL, client), Graph: s.neighbour(s.GraphURL, client),
		Items: postgres.NewHanded(s.db), Sources: s.reader.Source, Dead: dead, DeadTopic: s.kafka.Layout.Dead(), Reports: reports,
		Clock: s.clock, Log: s.log, Patience: s.patience(), Observe: s.counts.stages.dispatched,
	}
	s.log.InfoContext(ctx, "stage runs", "stage", embed.Name, "receiver", listener.Addr().String())
	group, work := errgroup.WithContext(ctx)
	group.Go(func() error { return httpapi.Serve(work, listener, receiver.Handler(), s.log) })
	group.Go(func() error { return consumer.Run(work) })
	return group.Wait()
}
