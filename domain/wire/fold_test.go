package wire_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A kgoHeader has the form in which Kafka clients give headers.
type kgoHeader struct {
	Key   string
	Value []byte
}

// A Fold lets pass what a reader of the log is to take, and nothing else.
func TestFold(t *testing.T) {
	t.Parallel()

	other := domain.RunID{UUID: uuid.New()}
	state := func(path string, run domain.RunID) domain.Event {
		return fileChanged(domain.FileAdded, func(e *domain.FileChanged) { e.Path, e.Run, e.RunID = path, 1, run })
	}
	change := func(change domain.SourceChange, set func(*domain.SourceChanged)) domain.Event {
		return sourceChanged(change, set)
	}
	first := domain.NewJobID(source, domain.JobID{})
	started := func(run domain.RunID) domain.Event {
		return change(domain.SourceSyncStarted, func(e *domain.SourceChanged) { e.JobID, e.Run, e.RunID, e.Seq, e.Attempt = first, 1, run, 0, 1 })
	}
	log := []domain.Event{
		change(domain.SourceRegistered, func(e *domain.SourceChanged) {
			e.Name, e.ExternalKey, e.Config, e.Partition = "docs", "/srv/docs", []byte(`{}`), new(int32)
		}),
		state("void: no run yet", run),
		change(domain.SourceSyncRequested, func(e *domain.SourceChanged) {
			e.JobID, e.Mode, e.Trigger = first, domain.SyncIncremental, domain.TriggerManual
		}),
		started(run),
		state("counts", run),
		started(other), // comes too late
		state("void: of a run that lost", other),
		state("counts, too", run),
		change(domain.SourceSyncCompleted, func(e *domain.SourceChanged) {
			e.JobID, e.Run, e.RunID, e.Counts, e.Totals = first, 1, run, &domain.Counts{}, &domain.Totals{}
		}),
		state("void: behind its run", run),
	}
	var fold wire.Fold
	var got []string
	for offset, e := range log {
		enc, err := wire.Encode(message(e))
		if err != nil {
			t.Fatal(err)
		}
		var headers []kgoHeader
		for _, h := range enc.Headers {
			headers = append(headers, kgoHeader{h.Key, h.Value})
		}
		if f, counts, err := fold.Next(wire.Headers(headers), enc.Value, int64(offset)); err != nil {
			t.Fatalf("%d: %v", offset, err)
		} else if counts {
			got = append(got, f.Path)
		}
	}
	if want := []string{"counts", "counts, too"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	bad := new(wire.BadError)
	if _, counts, err := fold.Next(map[string]string{wire.HeaderType: wire.TypeFileChanged}, nil, 99); counts || !errors.As(err, &bad) {
		t.Errorf("a bad record: got %t, %v", counts, err)
	}
}
