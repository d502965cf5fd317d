package httpapi_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
	"github.com/confuse/data-connector/projections"
)

var _ httpapi.Replays = replayDesk{}

// replayID is the replay of ann.
const replayID = "01950000-0000-7000-8000-0000000000aa"

// A replayDesk checks orders as the service does, over the world's sources.
type replayDesk struct{ w *world }

// ownedSources is replay.Sources, by owner.
type ownedSources struct{ w *world }

func (s ownedSources) GetSource(_ context.Context, owner domain.OwnerID, id domain.SourceID) (domain.Source, error) {
	if source, ok := s.w.sources[id]; ok && source.Owner == owner {
		return source, nil
	}
	return domain.Source{}, domain.ErrSourceNotFound
}

func (s ownedSources) ListSources(context.Context, domain.OwnerID, int, int) ([]domain.Source, int64, error) {
	return nil, 0, nil
}

type noStore struct{ replay.Store }

func (noStore) Add(context.Context, replay.Replay) error { return nil }

func (d replayDesk) Start(ctx context.Context, o replay.Order) (replay.Replay, error) {
	service := &replay.Service{
		Store: noStore{}, Sources: ownedSources(d), Stages: []string{"chunk", "webhook"}, Clock: d.w,
		Topic: func(_ context.Context, name string) (bool, error) { return name == "mine", nil },
	}
	r, err := service.Start(ctx, o)
	r.ID, _ = replay.ParseID(replayID)
	return r, err
}

func (replayDesk) Await(_ context.Context, r replay.Replay, _ time.Duration) (replay.Replay, error) {
	r.Status = replay.Completed
	return r, nil
}

func (d replayDesk) List(_ context.Context, owner domain.OwnerID, _, _ int) ([]replay.Replay, error) {
	if owner != "ann" {
		return nil, nil
	}
	return []replay.Replay{d.running()}, d.w.err
}

func (replayDesk) running() replay.Replay {
	return replay.Replay{
		ID: replay.ID{UUID: uuid.MustParse(replayID)}, Status: replay.Running, CreatedAt: noon, StartedAt: noon,
		Order: replay.Order{Owner: "ann", Mode: replay.Latest, Rate: 100, Selector: replay.Selector{Sources: []domain.SourceID{annSource}, PathGlob: "**/*.md"}},
		Progress: replay.Progress{
			Marks: []replay.Mark{{Partition: 3, From: 0, Next: 50, End: 200}}, Matched: 40, Sent: 40, Bytes: 4096, ContentGone: 1, Busy: 2 * time.Second,
			Sources: map[domain.SourceID]replay.Count{annSource: {Events: 40, Bytes: 4096}},
			Samples: []replay.Sample{{Source: annSource, File: readme, Path: "README.md", Change: domain.FileAdded, At: domain.Revised{Run: 1, Seq: 2}}},
		},
	}
}

func (d replayDesk) Get(_ context.Context, owner domain.OwnerID, id replay.ID) (replay.Replay, error) {
	if owner != "ann" || id.String() != replayID {
		return replay.Replay{}, replay.ErrNotFound
	}
	return d.running(), d.w.err
}

func (d replayDesk) Change(ctx context.Context, owner domain.OwnerID, id replay.ID, to replay.Status) (replay.Replay, error) {
	r, err := d.Get(ctx, owner, id)
	r.Status = to
	return r, err
}

func (replayDesk) Counts(context.Context, replay.Replay) ([]projections.ReplayCount, error) {
	return []projections.ReplayCount{{Stage: "chunk", State: domain.StageDone, Files: 30}, {Stage: "chunk", State: domain.StageSkipped, Reason: "content_gone", Files: 1}}, nil
}

// Another owner's replay is an unknown one (I10), and a topic is for operators.
func TestReplaysOfOthers(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Auth = owned("bob")
	api := httpapi.New(p)
	for _, path := range []string{replayID + "/pause", replayID + "/resume", replayID + "/cancel", "none/cancel"} {
		wantRefusal(t, call(t, api, "POST", "/replays/"+path, ""), 404, "REPLAY_NOT_FOUND")
	}
	wantRefusal(t, call(t, api, "GET", "/replays/"+replayID, ""), 404, "REPLAY_NOT_FOUND")
}
