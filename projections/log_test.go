package projections_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

const (
	eventsTopic   = "test.events.v1"
	pipelineTopic = "test.pipeline.v1"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// fataler is what helpers need of a test; rapid's is one, too.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// A memoryLog is one partition of a topic.
type memoryLog struct {
	domain.FeedPartition
	records []domain.Record
}

func newLog(topic string, number int32) *memoryLog {
	l := &memoryLog{FeedPartition: domain.FeedPartition{Topic: topic, TopicID: "topic-1", Number: number}}
	l.Last = func(_ context.Context, offset int64) (domain.Record, error) {
		if offset >= int64(len(l.records)) {
			return domain.Record{}, domain.ErrLogLost
		}
		return l.records[offset], nil
	}
	return l
}

// partition is the log as it is when it is assigned.
func (l *memoryLog) partition() domain.FeedPartition {
	p := l.FeedPartition
	p.End = int64(len(l.records))
	return p
}

// add appends events and gives the position of the last one.
func (l *memoryLog) add(t fataler, events ...domain.Event) domain.Position {
	t.Helper()
	for _, e := range events {
		l.addRecord(record(t, e))
	}
	return domain.Position{Partition: l.Number, Offset: int64(len(l.records)) - 1}
}

func (l *memoryLog) addRecord(r domain.Record) {
	r.Topic, r.Position = l.Topic, domain.Position{Partition: l.Number, Offset: int64(len(l.records))}
	l.records = append(l.records, r)
}

// record is e as it comes from a log: encoded and decoded.
func record(t fataler, e domain.Event) domain.Record {
	t.Helper()
	enc, err := wire.Encode(domain.Message{ID: domain.EventID{UUID: uuid.New()}, Time: noon, Event: e})
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	r := domain.Record{Key: enc.Key, Raw: enc.Value, Headers: map[string]string{}}
	for _, h := range enc.Headers {
		r.Headers[h.Key] = string(h.Value)
	}
	return decoded(r)
}

func decoded(r domain.Record) domain.Record {
	r.Event, r.Err = wire.Decode(r.Headers, r.Raw)
	return r
}

// damaged is the record of e with a value that is not JSON.
func damaged(t fataler, e domain.Event) domain.Record {
	t.Helper()
	r := record(t, e)
	r.Raw = []byte(`{"half":`)
	return decoded(r)
}

// unknown is a record of a type that this version does not know.
func unknown(t fataler, e domain.Event) domain.Record {
	t.Helper()
	r := record(t, e)
	r.Headers[wire.HeaderType] = "confuse.MoonChanged.v1"
	return decoded(r)
}

// A story writes plausible events of one source, in the order it is told to. It
// keeps the fold, so that it knows run, seq and job.
type story struct {
	t   fataler
	log *memoryLog
	src domain.Source
	seq int64
	n   int // events so far, for times
}

func newStory(t fataler, log *memoryLog, owner domain.OwnerID) *story {
	s := &story{t: t, log: log}
	id, err := domain.NewSourceID()
	if err != nil {
		t.Fatalf("source id: %v", err)
	}
	s.src.ID = id
	partition := log.Number
	s.tell(domain.SourceChanged{
		SourceID: id, OwnerID: owner, Provider: "localfs", Change: domain.SourceRegistered, At: noon, Name: "folder",
		ExternalKey: id.String(), Config: json.RawMessage(`{"rootPath":"/srv"}`), Partition: &partition,
	})
	return s
}

// tell appends e and folds it.
func (s *story) tell(e domain.SourceChanged) domain.Position {
	s.t.Helper()
	s.n++
	p := s.log.add(s.t, e)
	s.src, _ = s.src.Apply(e, p.Offset)
	return p
}

// event is an event of the source and, if it has to be, of its run.
func (s *story) event(change domain.SourceChange) domain.SourceChanged {
	e := domain.SourceChanged{
		SourceID: s.src.ID, OwnerID: s.src.Owner, Provider: s.src.Provider, Change: change, At: noon.Add(time.Duration(s.n) * time.Second),
	}
	if slices.Contains([]domain.SourceChange{domain.SourceUpdated, domain.SourcePaused, domain.SourceResumed, "pondered"}, change) {
		e.Version = s.src.Version + 1
	}
	if change.InRun() && len(s.src.Jobs) > 0 {
		s.seq++
		e.JobID, e.Run, e.RunID, e.Seq = s.src.Jobs[0].ID, s.src.Run, s.src.RunID, s.seq
	}
	return e
}

func (s *story) request(mode domain.SyncMode) domain.Position {
	s.t.Helper()
	e, err := s.src.RequestSync(mode, domain.TriggerManual, noon.Add(time.Duration(s.n)*time.Second))
	if err != nil {
		s.t.Fatalf("request: %v", err)
	}
	return s.tell(e)
}

func (s *story) claim() {
	s.t.Helper()
	run, err := domain.NewRunID()
	if err != nil {
		s.t.Fatalf("run id: %v", err)
	}
	e, err := s.src.Claim(run, noon.Add(time.Duration(s.n)*time.Second))
	if err != nil {
		s.t.Fatalf("claim: %v", err)
	}
	s.seq = 0
	s.tell(e)
}

// start opens a job and claims it.
func (s *story) start() {
	s.t.Helper()
	s.request(domain.SyncFull)
	s.claim()
}

// changed is the event of a file at path, whose content is body.
func (s *story) changed(change domain.FileChange, path, body string) domain.FileChanged {
	s.seq++
	e := domain.FileChanged{
		SourceID: s.src.ID, OwnerID: s.src.Owner, FileID: domain.NewPathFileID(s.src.ID, []byte(path), 0),
		JobID: s.src.Jobs[0].ID, Run: s.src.Run, RunID: s.src.RunID, Seq: s.seq, Change: change,
		FileState: domain.FileState{Path: path, Kind: domain.KindFile, Revision: body, Language: "Go", Attributes: map[string]string{}},
	}
	if change != domain.FileRemoved {
		e.Content = content(body)
	}
	return e
}

func (s *story) file(change domain.FileChange, path, body string) domain.FileChanged {
	s.t.Helper()
	e := s.changed(change, path, body)
	s.log.add(s.t, e)
	return e
}

func content(body string) *domain.ClaimCheck {
	c := &domain.ClaimCheck{Size: int64(len(body)), Ref: domain.PackRef{Pack: "packs/x/1", Offset: 7, Length: int64(len(body)) + 9}}
	copy(c.SHA256[:], fmt.Sprintf("%032s", body))
	return c
}

func (s *story) progress() {
	s.t.Helper()
	e := s.event(domain.SourceSyncProgressed)
	e.Cursor = &domain.Envelope{Phase: domain.PhaseListing, Epoch: 1, Start: domain.Cursor{V: 1, Kind: "n", Opaque: json.RawMessage(fmt.Sprintf(`{"n":%d}`, s.n))}}
	e.Counts, e.Totals = &domain.Counts{Listed: int64(s.n)}, &domain.Totals{Files: int64(s.n)}
	s.tell(e)
}

func (s *story) complete() {
	s.t.Helper()
	e := s.event(domain.SourceSyncCompleted)
	e.Counts, e.Totals = &domain.Counts{Added: 1}, &domain.Totals{Files: 2, Bytes: 20}
	s.tell(e)
}

func (s *story) requestRemoval() {
	s.t.Helper()
	e, err := s.src.RequestRemoval(noon)
	if err != nil {
		s.t.Fatalf("removal: %v", err)
	}
	s.tell(e)
}

func (s *story) hint(delivery string) {
	e := s.event(domain.SourceHintReceived)
	e.Hint = &domain.Hint{Origin: "webhook", ProviderEvent: "push", DeliveryID: delivery, Refs: []string{"main"}}
	s.tell(e)
}

// report is what a stage says of a file.
func (s *story) report(e domain.FileChanged, stage string, state domain.StageState) domain.StageReported {
	return domain.StageReported{
		SourceID: s.src.ID, OwnerID: s.src.Owner, FileID: e.FileID, Stage: stage, Run: e.Run, Seq: e.Seq,
		State: state, Items: 3, At: noon.Add(time.Hour),
	}
}

var _ fataler = (*testing.T)(nil)
