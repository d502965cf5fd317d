package httpapi_test

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// ListHints gives one hint of a page of two.
func (w *world) ListHints(_ context.Context, owner domain.OwnerID, p projections.HintPage) ([]projections.HintRow, *projections.HintKey, error) {
	w.reads++
	w.hintAsks = append(w.hintAsks, p)
	hint := projections.HintRow{
		Hint: domain.Hint{Origin: "webhook", ProviderEvent: "push", DeliveryID: "d-1", Refs: []string{"refs/heads/main"}, PayloadDigest: domain.Digest{1, 2}},
		ID:   domain.EventID{UUID: uuid.MustParse("44444444-0000-7000-8000-000000000001")}, SourceID: annSource, Owner: owner, Provider: "github",
		ReceivedAt: noon, Position: domain.Position{Partition: 3, Offset: 8}, Counted: true, JobID: openJob, JobStatus: domain.JobRunning,
		Repeats: 2, RepeatedAt: noon.Add(time.Hour),
	}
	ignored := projections.HintRow{
		Hint: domain.Hint{Origin: "webhook", ProviderEvent: "star.created", DeliveryID: "d-0", PayloadDigest: domain.Digest{3}},
		ID:   domain.EventID{UUID: uuid.MustParse("44444444-0000-5000-8000-000000000002")}, Provider: "github", ReceivedAt: noon.Add(-time.Minute),
		Ignored: "it is about nothing that is connected here",
	}
	if !p.Unowned {
		ignored.SourceID, ignored.Owner, ignored.Ignored = annSource, owner, "nothing that is read depends on it"
	}
	return []projections.HintRow{hint, ignored}, &projections.HintKey{At: hint.ReceivedAt, ID: hint.ID}, w.err
}

func (w *world) RunsAtAnyOwner(_ context.Context, partition int32, at int64) ([]projections.RunRow, error) {
	w.reads++
	if partition != 3 {
		return nil, w.err
	}
	return []projections.RunRow{
		{Run: domain.Run{Number: 2, ID: runID, JobID: openJob, Started: at - 1, Ended: -1}, SourceID: annSource, Owner: "ann"},
		{Run: domain.Run{Number: 1, ID: runID, JobID: bobJob, Started: 0, Ended: at}, SourceID: bobSource, Owner: "bob"},
	}, w.err
}

const poisoned = "dataconnector.events.v1/3:12"

func (w *world) ListPoison(_ context.Context, c projections.Caller, p projections.PoisonPage) ([]projections.PoisonRow, *projections.PoisonKey, error) {
	w.reads++
	w.poisonAsks = append(w.poisonAsks, p)
	if !c.Operator {
		return nil, nil, w.err
	}
	key := projections.PoisonKey{Topic: "dataconnector.events.v1", Partition: 3, Offset: 12}
	late := key
	late.Offset = 40
	return []projections.PoisonRow{
		{PoisonKey: key, SourceID: annSource, EventID: "4c2f1696-72fd-5109-bf8d-8000bcd82148", Type: "confuse.SourceChanged.v1", Error: "run is missing", Parks: true, Behind: 7, At: noon},
		{PoisonKey: late, Error: "no ce_type"},
	}, &late, w.err
}

// A mendAsk is how poison was to be mended.
type mendAsk struct {
	verb   string
	caller projections.Caller
	what   string
}

// mender is the world as that which mends.
type mender struct{ w *world }

func (m mender) Retry(_ context.Context, c projections.Caller, key projections.PoisonKey) (projections.Retried, error) {
	return m.mend("retry", c, key.String())
}

func (m mender) RetrySource(_ context.Context, c projections.Caller, source domain.SourceID) (projections.Retried, error) {
	return m.mend("retry source", c, source.String())
}

func (m mender) Skip(_ context.Context, c projections.Caller, key projections.PoisonKey) (projections.Retried, error) {
	return m.mend("skip", c, key.String())
}

func (m mender) mend(verb string, c projections.Caller, what string) (projections.Retried, error) {
	m.w.mends = append(m.w.mends, mendAsk{verb, c, what})
	return projections.Retried{Folded: 8, Left: 1}, m.w.err
}

func (w *world) Projections(context.Context) ([]httpapi.Projection, error) {
	w.reads++
	at := func(topic string, partition int32, position, end, poison int64) httpapi.Projection {
		c := projections.Checkpoint{Topic: topic, Partition: partition, Position: position, UpdatedAt: noon, Poison: poison, Parked: min(poison, 1)}
		return httpapi.Projection{Checkpoint: c, End: end, PerSecond: 12.5}
	}
	return []httpapi.Projection{
		at("dataconnector.events.v1", 3, 41, 50, 8), at("dataconnector.events.v1", 4, 7, 6, 0), at("dataconnector.pipeline.v1", 0, 5, -1, 0),
	}, w.err
}

func (w *world) Rebuilding(context.Context) (*projections.Progress, error) {
	return &projections.Progress{
		Phase: "loading", Running: true, StartedAt: noon, Done: 60, Goal: 100, PerSecond: 20, Left: 2 * time.Second,
		Parts: []projections.PartProgress{{Topic: "dataconnector.events.v1", Partition: 3, Done: 60, Goal: 100}},
	}, w.err
}
