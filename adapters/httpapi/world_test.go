package httpapi_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
	"github.com/confuse/data-connector/projections"
)

// What wiring gives the server fits as it is.
var (
	_ httpapi.Commands = (*ingest.Service)(nil)
	_ httpapi.Changes  = (*ingest.Service)(nil)
	_ httpapi.Sources  = (*projections.Reader)(nil)
	_ httpapi.Files    = (*projections.Reader)(nil)
	_ httpapi.Hints    = (*projections.Reader)(nil)
	_ httpapi.Poison   = (*projections.Reader)(nil)
	_ httpapi.Mend     = (*projections.Poison)(nil)
	_ httpapi.Runs     = (*projections.Reader)(nil)
	_ httpapi.Jobs     = (*projections.Reader)(nil)
	_ httpapi.Folds    = (*projections.Waiters)(nil)
)

// Ids of the world that the fakes hold: ann has a source with two files and two
// jobs, bob has one source with a file and a job.
var (
	noon      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	annSource = domain.SourceID{UUID: uuid.MustParse("01950000-0000-7000-8000-00000000000a")}
	bobSource = domain.SourceID{UUID: uuid.MustParse("01950000-0000-7000-8000-00000000000b")}
	newSource = domain.SourceID{UUID: uuid.MustParse("01950000-0000-7000-8000-00000000000c")}
	readme    = domain.FileID{UUID: uuid.MustParse("11111111-0000-5000-8000-000000000001")}
	mainGo    = domain.FileID{UUID: uuid.MustParse("11111111-0000-5000-8000-000000000002")}
	link      = domain.FileID{UUID: uuid.MustParse("11111111-0000-5000-8000-000000000003")}
	bobFile   = domain.FileID{UUID: uuid.MustParse("11111111-0000-5000-8000-00000000000b")}
	doneJob   = domain.JobID{UUID: uuid.MustParse("22222222-0000-5000-8000-000000000001")}
	openJob   = domain.JobID{UUID: uuid.MustParse("22222222-0000-5000-8000-000000000002")}
	newJob    = domain.JobID{UUID: uuid.MustParse("22222222-0000-5000-8000-000000000003")}
	bobJob    = domain.JobID{UUID: uuid.MustParse("22222222-0000-5000-8000-00000000000b")}
	runID     = domain.RunID{UUID: uuid.MustParse("33333333-0000-4000-8000-000000000001")}
)

const readmeText = "# hello\n"

// world is every part of the server that a test does not replace. Its readers
// ignore the owner on purpose: I10 must not rest on them alone.
type world struct {
	sources   map[domain.SourceID]domain.Source
	files     []projections.FileRow
	jobs      []projections.JobRow
	records   []domain.Record
	contents  map[domain.Digest]string
	connected ingest.Accepted // by Connect
	synced    ingest.Accepted // by RequestSync
	removed   ingest.Accepted // by Remove
	changed   ingest.Accepted // by all others
	err       error           // of every command and read
	wait      func(ctx context.Context) error
	more      chan domain.Record               // that come at the end of the log
	left      chan struct{}                    // closed when who waits there has gone
	ticks     map[time.Duration]chan time.Time // of the clock, by duration; none: it stands still

	connects   []ingest.ConnectRequest
	syncs      []ingest.SyncRequest
	removes    []ingest.RemoveRequest
	changes    []changeAsk
	reads      int // of the tables
	fileAsks   []fileAsk
	jobAsks    []projections.JobFilter
	hintAsks   []projections.HintPage
	poisonAsks []projections.PoisonPage
	letterAsks []deskAsk
	mends      []mendAsk
	waits      []domain.Position
}

func newWorld() *world {
	ann := domain.Source{
		ID: annSource, Owner: "ann", Provider: "localfs", Name: "docs", ExternalKey: "/srv/docs", Config: []byte(`{"rootPath":"/srv/docs"}`),
		Partition: 3, Registered: true, Running: true, Run: 2, RunID: runID, RegisteredAt: noon.Add(-time.Hour), SyncedAt: noon.Add(-30 * time.Minute),
		Duration: 1500 * time.Millisecond, Totals: domain.Totals{Files: 3, Bytes: 20}, LastJob: openJob,
	}
	running := domain.Job{
		ID: openJob, Mode: domain.SyncFull, Trigger: domain.TriggerManual, Status: domain.JobRunning, Claimed: true, Run: 2,
		RequestedAt: noon.Add(-time.Minute), StartedAt: noon.Add(-30 * time.Second), Counts: domain.Counts{Listed: 1, Modified: 1, Bytes: 8},
	}
	ann.Jobs = []domain.Job{running}
	done := domain.Job{
		ID: doneJob, Mode: domain.SyncIncremental, Trigger: domain.TriggerConnect, Status: domain.JobCompleted, Claimed: true, Run: 1,
		RequestedAt: noon.Add(-time.Hour), StartedAt: noon.Add(-time.Hour), EndedAt: noon.Add(-30 * time.Minute),
		Counts:   domain.Counts{Listed: 4, Excluded: 2, Added: 3, Failed: 1, Bytes: 20},
		Failures: []domain.ItemFailure{{Path: "secret.txt", Code: "unreadable", Reason: "permission denied"}},
	}
	bob := domain.Source{ID: bobSource, Owner: "bob", Provider: "localfs", Name: "bob's", Registered: true, RegisteredAt: noon}
	w := &world{
		sources:  map[domain.SourceID]domain.Source{annSource: ann, bobSource: bob},
		contents: map[domain.Digest]string{},
		jobs: []projections.JobRow{
			{Job: running, SourceID: annSource, Owner: "ann"}, {Job: done, SourceID: annSource, Owner: "ann"},
			{Job: domain.Job{ID: bobJob, Mode: domain.SyncFull, Status: domain.JobQueued, RequestedAt: noon}, SourceID: bobSource, Owner: "bob"},
		},
	}
	waiting := domain.Job{ID: newJob, Mode: domain.SyncFull, Trigger: domain.TriggerManual, Status: domain.JobQueued, RequestedAt: noon}
	w.synced = ingest.Accepted{Source: ann, Job: waiting, At: domain.Position{Partition: 3, Offset: 41}, Folded: true}
	w.removed = w.synced
	w.removed.Job.Mode, w.removed.Job.Trigger = domain.SyncRemove, domain.TriggerRemoval
	w.changed = w.synced
	w.changed.Source.Jobs, w.changed.Source.Running = nil, false
	w.changed.Source.Held = &domain.Held{Epoch: 4, Count: 9000, Sample: []string{"a.txt", "b.txt"}}
	w.changed.Source.Failure = &domain.Failure{Code: domain.CodeTransient, Message: "the disk is busy"}
	queued := domain.Job{ID: newJob, Mode: domain.SyncIncremental, Trigger: domain.TriggerConnect, Status: domain.JobQueued, RequestedAt: noon}
	w.connected = ingest.Accepted{At: domain.Position{Partition: 3, Offset: 41}, Folded: true, Job: queued, Source: domain.Source{
		ID: newSource, Owner: "ann", Provider: "localfs", Name: "docs", ExternalKey: "/srv/docs", Partition: 3, Registered: true, RegisteredAt: noon,
		Config: []byte(`{"rootPath":"/srv/docs","excludePaths":["**/*.tmp"]}`), Jobs: []domain.Job{queued}, LastJob: newJob,
	}}
	w.addFile("ann", annSource, readme, "README.md", readmeText)
	w.addFile("ann", annSource, mainGo, "cmd/main.go", "package main")
	w.addFile("bob", bobSource, bobFile, "diary.txt", "dear diary")
	w.files = append(w.files, projections.FileRow{ChangedAt: noon, Change: domain.FileAdded, File: domain.File{
		ID: link, SourceID: annSource, OwnerID: "ann", At: domain.Revised{Run: 1, Seq: 3},
		FileState: domain.FileState{Path: "link", Kind: domain.KindSymlink, Revision: "l1", Attributes: map[string]string{"target": "README.md"}},
	}})
	return w
}

func (w *world) addFile(owner domain.OwnerID, source domain.SourceID, id domain.FileID, path, text string) {
	digest := domain.Digest(sha256.Sum256([]byte(text)))
	w.contents[digest] = text
	w.files = append(w.files, projections.FileRow{ChangedAt: noon, Change: domain.FileAdded, File: domain.File{
		ID: id, SourceID: source, OwnerID: owner, At: domain.Revised{Run: 1, Seq: int64(len(w.files) + 1)},
		FileState: domain.FileState{
			Path: path, Kind: domain.KindFile, Revision: digest.String(), Language: "Text", MediaType: "text/plain",
			ProviderTime: noon.Add(-24 * time.Hour), Content: &domain.ClaimCheck{SHA256: digest, Size: int64(len(text))},
		},
	}})
}

// as is an authenticator that lets everybody in as one identity.
type as struct{ httpapi.Identity }

func (a as) Authenticate(*http.Request) (httpapi.Identity, error) { return a.Identity, nil }

func owned(owner domain.OwnerID) as {
	return as{httpapi.Identity{Caller: domain.Caller{Owner: owner}}}
}
