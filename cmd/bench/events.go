package main

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A story is the events of one source: it is registered, and a run has begun.
type story struct {
	source    domain.Source
	partition int32
	begin     []domain.Message
	seq       int64
	at        time.Time
}

func newStory(partition int32, at time.Time) (*story, error) {
	id, err := domain.NewSourceID()
	if err != nil {
		return nil, err
	}
	run, err := domain.NewRunID()
	if err != nil {
		return nil, err
	}
	s := &story{partition: partition, at: at, source: domain.Source{ID: id}}
	registered := domain.SourceChanged{
		SourceID: id, OwnerID: "bench", Provider: "localfs", Change: domain.SourceRegistered, At: at,
		Name: "bench", ExternalKey: id.String(), Config: []byte(`{}`), Partition: &partition,
	}
	if err := s.happens(registered); err != nil {
		return nil, err
	}
	requested, err := s.source.RequestSync(domain.SyncIncremental, "manual", at)
	if err != nil {
		return nil, err
	}
	if err := s.happens(requested); err != nil {
		return nil, err
	}
	claim, err := s.source.Claim(run, at)
	if err != nil {
		return nil, err
	}
	return s, s.happens(claim)
}

func (s *story) happens(e domain.SourceChanged) error {
	id, err := domain.NewEventID()
	if err != nil {
		return err
	}
	s.begin = append(s.begin, s.message(id, e))
	s.source, _ = s.source.Apply(e, int64(len(s.begin)-1)) // of the story, all of them count
	return nil
}

func (s *story) message(id domain.EventID, e domain.Event) domain.Message {
	return domain.Message{ID: id, Time: s.at, Partition: s.partition, Event: e}
}

// files are n more files of the run, as a folder gives them.
func (s *story) files(n int) []domain.Message {
	messages := make([]domain.Message, n)
	for i := range messages {
		s.seq++
		path := testbed.TreePath(int(s.seq))
		digest := domain.Digest(sha256.Sum256([]byte(path)))
		e := domain.FileChanged{
			SourceID: s.source.ID, OwnerID: "bench", FileID: domain.NewPathFileID(s.source.ID, []byte(path), 0),
			JobID: s.source.Jobs[0].ID, Run: s.source.Run, RunID: s.source.RunID, Seq: s.seq, Change: domain.FileAdded,
			FileState: domain.FileState{
				Path: path, Kind: domain.KindFile, Revision: digest.String(), Language: "Go", MediaType: "text/x-go", ProviderTime: s.at,
				Content: &domain.ClaimCheck{SHA256: digest, Size: 2000, Ref: domain.PackRef{
					Pack: fmt.Sprintf("packs/%s/1-%s/%d", s.source.ID, s.source.RunID, s.seq/1000), Offset: s.seq * 700, Length: 700,
				}},
				Attributes: map[string]string{},
			},
		}
		messages[i] = s.message(domain.NewFileEventID(e, domain.Revised{}), e)
	}
	return messages
}

// progressed ends a page.
func (s *story) progressed() (domain.Message, error) {
	s.seq++
	e := s.source.InRun(domain.SourceSyncProgressed, s.at)
	e.Seq, e.Counts, e.Totals = s.seq, &domain.Counts{Added: s.seq}, &domain.Totals{Files: s.seq}
	e.Cursor = &domain.Envelope{Phase: domain.PhaseListing, Epoch: 1, Scope: domain.ScopeOf([]byte(`{}`))}
	id, err := domain.NewEventID()
	return s.message(id, e), err
}

// hint is a hint about the source.
func (s *story) hint() (domain.Message, error) {
	e, err := s.source.Hinted(domain.Hint{Origin: "watch"}, s.at)
	if err != nil {
		return domain.Message{}, err
	}
	id, err := domain.NewEventID()
	return s.message(id, e), err
}

// recordsOf are messages as a reader of the log gets them, without their events,
// from an offset on.
func recordsOf(topic string, offset int64, messages []domain.Message) ([]domain.Record, error) {
	records := make([]domain.Record, len(messages))
	for i, m := range messages {
		e, err := wire.Encode(m)
		if err != nil {
			return nil, err
		}
		headers := make(map[string]string, len(e.Headers))
		for _, h := range e.Headers {
			headers[h.Key] = string(h.Value)
		}
		records[i] = domain.Record{
			Topic: topic, Position: domain.Position{Partition: m.Partition, Offset: offset + int64(i)},
			Key: e.Key, Headers: headers, Raw: e.Value,
		}
	}
	return records, nil
}
