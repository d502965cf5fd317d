package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// replayOrders is httpapi.Replays.
type replayOrders struct {
	*replay.Service
	tables *projections.Reader
}

// Counts implements httpapi.Replays.
func (o replayOrders) Counts(ctx context.Context, r replay.Replay) ([]projections.ReplayCount, error) {
	return o.tables.CountReplay(ctx, r.Owner, r.ID.String(), r.Selector.Sources)
}

func (s *service) replayOrders() replayOrders {
	log := s.checkedReader()
	return replayOrders{tables: s.reader, Service: &replay.Service{
		Store: postgres.NewReplays(s.db), Sources: s.reader, Stages: stageNames(), Clock: s.clock,
		Topic: func(ctx context.Context, name string) (bool, error) {
			if strings.HasPrefix(name, s.KafkaPrefix+".") {
				return false, nil // never into a topic of our own: somebody takes it for new
			}
			return log.Exists(ctx, name)
		},
	}}
}

// replay runs replays.
func (s *service) replay(ctx context.Context) error {
	runner := &replay.Runner{
		Claims: postgres.NewReplays(s.db), Records: kafka.NewReader(s.kafka), Source: s.reader.Source, Wait: s.waiters.Wait,
		Places: s.reader.Places, Packs: s.packs, Send: s.sendAgain, Clock: s.clock, Log: s.log, Stages: s.stagesRunning,
		Counts: func(ctx context.Context, partition int32, from, to int64) (replay.Counts, error) {
			b, err := s.runsBetween(ctx, partition, from, to)
			return b.Counts, err
		},
		Behind: func(ctx context.Context, stage string, ends map[int32]int64) (int64, error) {
			return s.commands.GroupBehind(ctx, s.stageGroup(stage)+againSuffix, s.kafka.Layout.Replay(), ends)
		},
	}
	return runner.Run(ctx)
}

// stagesRunning are the stages that wait for what is handed on again, in whatever
// process.
func (s *service) stagesRunning(ctx context.Context) ([]string, error) {
	var groups []string
	for _, stage := range stageNames() {
		groups = append(groups, s.stageGroup(stage)+againSuffix)
	}
	running, err := s.commands.GroupsRunning(ctx, groups...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(stageNames(), func(stage string) bool { return !running[s.stageGroup(stage)+againSuffix] }), nil
}

// sendAgain is replay.Runner.Send: the records as they are, with the id of the
// replay. On a topic of somebody else's the key alone says where they go.
func (s *service) sendAgain(_ context.Context, topic string, id replay.ID, records []replay.Sending) (map[int32]int64, error) {
	messages := make([]*message.Message, len(records))
	for i, r := range records {
		m := message.NewMessage(r.Headers[wire.HeaderID], r.Raw)
		for k, v := range r.Headers {
			m.Metadata[k] = v
		}
		m.Metadata[wire.HeaderReplay], m.Metadata[wire.MetaKey] = id.String(), string(r.Key)
		if r.Stage != "" {
			m.Metadata[wire.HeaderStage] = r.Stage
		}
		if topic == "" {
			m.Metadata[wire.MetaPartition] = strconv.Itoa(int(r.Position.Partition))
		}
		messages[i] = m
	}
	if topic == "" {
		topic = s.kafka.Layout.Replay()
	}
	if err := s.again.Publish(topic, messages...); err != nil {
		return nil, err
	}
	ends := make(map[int32]int64)
	for _, m := range messages {
		at, err := domain.ParsePosition(m.Metadata[wire.MetaPartition] + ":" + m.Metadata[wire.MetaOffset])
		if err != nil {
			return nil, err
		}
		ends[at.Partition] = max(ends[at.Partition], at.Offset+1)
	}
	return ends, nil
}

// fileStates keeps the topic of the last states of files.
func (s *service) fileStates(out message.Publisher) *pipeline.FileStates {
	log := kafka.NewReader(s.kafka)
	return &pipeline.FileStates{
		Live: pipeline.Feed{Topic: s.kafka.Layout.Events(), Subscriber: kafka.NewSubscriber(s.kafka, kafka.SubscriberOptions{
			Group: s.stageGroup("files-state"), Instance: s.WorkerName, Lanes: s.DispatchLanes, Window: s.DispatchWindow,
			Runs: s.runsBetween, Held: s.waiters.Wait,
		})},
		Out: out, Topic: s.kafka.Layout.States(), All: log.All, Ends: log.Ends, Messages: log.Messages, Tables: s.reader, Clock: s.clock, Log: s.log,
		Every: s.FilesStateCheck,
	}
}
