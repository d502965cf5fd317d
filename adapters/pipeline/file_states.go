package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// FileStates keeps a compacted topic that holds the last event of each live file
// under the file's id, and nothing of a removed one: what a reader needs that does
// not want to read the whole log. All fields are required.
//
// A record is there only once the tables hold its event, so it counts (I3). There
// is no transaction: a process that was stopped for long may put an older state
// behind a newer one, and one that died may have left one out of its order. Mend
// compares the topic with the tables and puts that right.
type FileStates struct {
	Live  Feed // of what counts, without events of sources
	Out   message.Publisher
	Topic string
	Every time.Duration // how often it is mended

	All      func(ctx context.Context, topic string, partition int32) iter.Seq2[domain.Record, error]
	Ends     func(ctx context.Context) (map[int32]int64, error) // of the events topic
	Messages Messages
	Tables   interface {
		Places(ctx context.Context, files []domain.FileID) (map[domain.FileID]domain.Position, error)
		FilePlaces(ctx context.Context, partition int32) iter.Seq2[projections.FilePlace, error]
	}
	Clock domain.Clock
	Log   *slog.Logger
}

// Run publishes and mends until ctx ends.
func (s *FileStates) Run(ctx context.Context) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: grace}, watermill.NewSlogLogger(s.Log))
	if err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	router.AddMiddleware(middleware.Recoverer)
	router.AddHandler("files.state", s.Live.Topic, s.Live.Subscriber, s.Topic, s.Out, s.take)
	group, work := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := router.Run(work); err != nil {
			return fmt.Errorf("pipeline: files.state: %w", err)
		}
		if work.Err() == nil {
			return fmt.Errorf("pipeline: files.state: %w", errEnded)
		}
		return work.Err()
	})
	group.Go(func() error { return s.mendOften(work) })
	return group.Wait()
}

// take gives the record for one event. A crash between publishing it and its ack
// publishes it twice.
func (s *FileStates) take(msg *message.Message) ([]*message.Message, error) {
	event, err := wire.Decode(msg.Metadata, msg.Payload)
	e, ok := event.(domain.FileChanged)
	if err != nil || !ok {
		return nil, nil //nolint:nilerr // I6; what is no event is set aside in the tables
	}
	return []*message.Message{stateOf(msg, e)}, nil
}

// stateOf is the record of an event: as it is, or without a value for a file that
// is gone.
func stateOf(msg *message.Message, e domain.FileChanged) *message.Message {
	payload := msg.Payload
	if e.Change == domain.FileRemoved {
		payload = nil
	}
	m := message.NewMessage(msg.UUID, payload)
	m.Metadata = message.Metadata(headersOf(msg))
	m.Metadata[wire.MetaKey], m.Metadata[wire.MetaPartition] = msg.Metadata[wire.MetaKey], msg.Metadata[wire.MetaPartition]
	return m
}

func (s *FileStates) mendOften(ctx context.Context) error {
	for {
		select {
		case <-s.Clock.After(s.Every):
		case <-ctx.Done():
			return ctx.Err()
		}
		mended, err := s.Mend(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.Log.WarnContext(ctx, "files.state cannot be compared with the tables", "err", err)
		case mended > 0:
			s.Log.WarnContext(ctx, "files.state was not as the tables", "mended", mended)
		}
	}
}

// Mend compares the topic with the tables and publishes what is missing, old or no
// longer there. It counts the files; those that are on their way may be among
// them. It holds the ids of one partition at a time in memory.
func (s *FileStates) Mend(ctx context.Context) (mended int, err error) {
	ends, err := s.Ends(ctx)
	if err != nil {
		return 0, err
	}
	for partition := range ends {
		wrong, err := s.compare(ctx, partition)
		if err != nil {
			return mended, err
		}
		for len(wrong) > 0 {
			n := min(len(wrong), deskPage)
			if err := s.mend(ctx, partition, wrong[:n]); err != nil {
				return mended, err
			}
			mended, wrong = mended+n, wrong[n:]
		}
	}
	return mended, nil
}

// compare gives the files of a partition of which the topic says something else
// than the tables, in the order of their events: who reads these page by page
// reads the log once.
func (s *FileStates) compare(ctx context.Context, partition int32) ([]domain.FileID, error) {
	told := make(map[domain.FileID]domain.Revised)
	for rec, err := range s.All(ctx, s.Topic, partition) {
		if err != nil {
			return nil, err
		}
		id, err := domain.ParseFileID(string(rec.Key))
		if err != nil {
			continue // not ours
		}
		delete(told, id)
		if e, ok := rec.Event.(domain.FileChanged); ok {
			told[id] = e.Revised()
		}
	}
	var wrong []projections.FilePlace
	for p, err := range s.Tables.FilePlaces(ctx, partition) {
		if err != nil {
			return nil, err
		}
		if told[p.ID] != p.At {
			wrong = append(wrong, p)
		}
		delete(told, p.ID)
	}
	for id := range told { // no longer there
		wrong = append(wrong, projections.FilePlace{ID: id})
	}
	slices.SortFunc(wrong, func(a, b projections.FilePlace) int { return cmp.Compare(a.Offset, b.Offset) })
	ids := make([]domain.FileID, len(wrong))
	for i, p := range wrong {
		ids[i] = p.ID
	}
	return ids, nil
}

// mend publishes what the tables say of files, and looks again: what was published
// by others meanwhile came from a row that is seen then, and is published behind.
func (s *FileStates) mend(ctx context.Context, partition int32, files []domain.FileID) error {
	places, err := s.Tables.Places(ctx, files)
	if err != nil {
		return err
	}
	for len(files) > 0 {
		if err := s.publish(ctx, partition, files, places); err != nil {
			return err
		}
		now, err := s.Tables.Places(ctx, files)
		if err != nil {
			return err
		}
		var again []domain.FileID
		for _, id := range files {
			if now[id] != places[id] {
				again = append(again, id)
			}
		}
		files, places = again, now
	}
	return nil
}

func (s *FileStates) publish(ctx context.Context, partition int32, files []domain.FileID, places map[domain.FileID]domain.Position) error {
	var offsets []int64
	for _, at := range places {
		offsets = append(offsets, at.Offset)
	}
	events, err := s.Messages(ctx, s.Live.Topic, partition, offsets)
	if err != nil {
		return err
	}
	out := make([]*message.Message, 0, len(files))
	for _, id := range files {
		m := message.NewMessage(uuid.NewString(), nil)
		m.Metadata = message.Metadata{wire.HeaderSubject: id.String()}
		if at, live := places[id]; live {
			event := events[at.Offset]
			if event == nil {
				continue // the log no longer holds it: the service stops for that elsewhere
			}
			m = stateOf(event, domain.FileChanged{})
		}
		m.Metadata[wire.MetaKey], m.Metadata[wire.MetaPartition] = id.String(), strconv.Itoa(int(partition))
		out = append(out, m)
	}
	return s.Out.Publish(s.Topic, out...)
}
