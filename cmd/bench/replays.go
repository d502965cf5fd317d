package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
	"github.com/confuse/data-connector/projections"
)

// replays is a log of n events with its tables, and what carries out replays of it.
type replays struct {
	*bench
	*testbed.Corner
	kafka  kafka.Options
	db     *pgxpool.Pool
	table  *postgres.Replays
	source []domain.SourceID
	n      int
}

func (b *bench) newReplays(ctx context.Context, n int) (r *replays, err error) {
	c, err := b.servers.NewCorner(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	r = &replays{bench: b, Corner: c, n: n / rebuiltPartitions / statesOfFile * rebuiltPartitions * statesOfFile}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close(ctx))
		}
	}()
	if r.kafka, err = c.Kafka(ctx, rebuiltPartitions, b.log); err != nil {
		return r, err
	}
	if err := postgres.Migrate(ctx, c.Database); err != nil {
		return r, err
	}
	if r.db, err = postgres.Open(ctx, c.Database); err != nil {
		return r, err
	}
	if _, err := projections.Ensure(ctx, r.db); err != nil {
		return r, err
	}
	if err := r.tell(ctx); err != nil {
		return r, err
	}
	r.table = postgres.NewReplays(r.db)
	return r, (&projections.Rebuild{DB: r.db, Log: kafka.NewReader(r.kafka), Clock: b.clock, Logger: b.log}).Run(ctx)
}

// tell puts the events on the log: each file of a source has some states.
func (r *replays) tell(ctx context.Context) error {
	log, err := kafka.NewLog(r.kafka)
	if err != nil {
		return err
	}
	defer log.Close()
	for p := range int32(rebuiltPartitions) {
		s, err := newStory(p, r.clock.Now())
		if err != nil {
			return err
		}
		r.source = append(r.source, s.source.ID)
		if _, err := log.Append(ctx, s.begin...); err != nil {
			return err
		}
		files := r.n / rebuiltPartitions / statesOfFile
		for state := range statesOfFile {
			for left := files; left > 0; left -= appendedAtOnce {
				if _, err := log.Append(ctx, s.states(min(left, appendedAtOnce), state, files)...); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// states are the next n events of the run, of its so many files.
func (s *story) states(n, state, files int) []domain.Message {
	messages := s.files(n)
	if state == 0 {
		return messages
	}
	for i, m := range messages {
		e, _ := m.Event.(domain.FileChanged) // it is one
		e.Change, e.Path = domain.FileModified, testbed.TreePath(int(e.Seq)-state*files)
		e.FileID = domain.NewPathFileID(s.source.ID, []byte(e.Path), 0)
		messages[i] = s.message(domain.NewFileEventID(e, domain.Revised{Run: e.Run, Seq: e.Seq - int64(files)}), e)
	}
	return messages
}

func (r *replays) close(ctx context.Context) error {
	if r.db != nil {
		r.db.Close()
	}
	return r.Close(ctx)
}

// add keeps an order, as the service does.
func (r *replays) add(ctx context.Context, o replay.Order) (replay.Replay, error) {
	id, err := uuid.NewV7()
	o.Owner, o.Selector.Sources = "bench", r.source
	order := replay.Replay{ID: replay.ID{UUID: id}, Order: o, Status: replay.Running, CreatedAt: r.clock.Now()}
	return order, errors.Join(err, r.table.Add(ctx, order))
}

// await waits until a replay has ended.
func (r *replays) await(ctx context.Context, id replay.ID) (replay.Replay, error) {
	for {
		got, err := r.table.Get(ctx, "bench", id)
		if err != nil || got.Status.Ended() {
			return got, err
		}
		select {
		case <-r.clock.After(20 * time.Millisecond):
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
}

// makeTopic makes a topic for what is handed out.
func (r *replays) makeTopic(ctx context.Context, name string) error {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(r.Brokers...))
	if err != nil {
		return err
	}
	defer admin.Close()
	_, err = admin.CreateTopic(ctx, rebuiltPartitions, 1, nil, name)
	return err
}

// dry is how many events a dry run looks at in a second.
func (r *replays) dry(ctx context.Context, mode replay.Mode) (float64, error) {
	order, err := r.add(ctx, replay.Order{Mode: mode, Dry: true})
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.runner().Run(running) }()
	done, err := r.await(ctx, order.ID)
	stop()
	<-ended
	want := int64(r.n)
	if mode == replay.Latest {
		want /= statesOfFile
	}
	if err == nil && done.Progress.Matched != want {
		err = fmt.Errorf("a dry run has found %d of %d: %s", done.Progress.Matched, want, done.Error)
	}
	return float64(r.n) / done.Progress.Busy.Seconds(), err
}

// runner is the one of the service.
func (r *replays) runner() *replay.Runner {
	reader := projections.NewReader(r.db)
	return &replay.Runner{
		Claims: r.table, Records: kafka.NewReader(r.kafka), Source: reader.Source, Places: reader.Places, Packs: allPacks{}, Clock: r.clock, Log: r.log,
		Wait: projections.NewWaiters(r.db, r.kafka.Layout.Events(), r.clock, r.log).Wait,
		Counts: func(ctx context.Context, partition int32, from, to int64) (replay.Counts, error) {
			rows, _, err := reader.RunsBetween(ctx, partition, from, to)
			between := kafka.RunsBetween{Runs: make(map[domain.SourceID][]domain.Run)}
			for _, row := range rows {
				between.Runs[row.SourceID] = append(between.Runs[row.SourceID], row.Run)
			}
			return between.Counts, err
		},
	}
}

// allPacks are there.
type allPacks struct{}

func (allPacks) Has(context.Context, string) (bool, error) { return true, nil }

// consume is the reference.
func (r *replays) consume(ctx context.Context) (float64, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(r.Brokers...), kgo.ConsumeTopics(r.kafka.Layout.Events()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	start, seen, sources := r.clock.Now(), 0, make(map[domain.SourceID]int)
	for seen < r.n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return 0, err
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			var e domain.FileChanged
			if json.Unmarshal(rec.Value, &e) == nil && e.FileID != (domain.FileID{}) {
				sources[e.SourceID]++
				seen++
			}
		})
	}
	return rate(r.n, r.elapsed(start)), nil
}
