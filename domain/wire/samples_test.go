package wire_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

var (
	at      = time.Date(2026, 3, 14, 9, 26, 53, 589793000, time.UTC)
	source  = domain.SourceID{UUID: uuid.MustParse("0195a3c1-7d2e-7b6a-9f00-000000000001")}
	job     = domain.JobID{UUID: uuid.MustParse("6f1d2c3b-4a59-5687-9786-000000000002")}
	run     = domain.RunID{UUID: uuid.MustParse("9b2f6e1a-3c4d-4e5f-8a6b-000000000003")}
	file    = domain.FileID{UUID: uuid.MustParse("c0ffee00-1234-5678-9abc-000000000004")}
	eventID = domain.EventID{UUID: uuid.MustParse("0195a3c1-7d2e-7b6a-9f00-000000000005")}
	digest  = domain.Digest{0: 0xe3, 1: 0xb0, 31: 0x55}
)

const (
	owner = domain.OwnerID("demo-user-001")
	trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

// message is e on its way to the log.
func message(e domain.Event) domain.Message {
	return domain.Message{ID: eventID, Time: at, Partition: 3, Trace: trace, Event: e}
}

// sourceChanged is the least that a change needs, with what set adds.
func sourceChanged(change domain.SourceChange, set func(*domain.SourceChanged)) domain.SourceChanged {
	e := domain.SourceChanged{SourceID: source, OwnerID: owner, Provider: "localfs", Change: change, At: at}
	if change.InRun() {
		e.JobID, e.Run, e.RunID, e.Seq = job, 7, run, 42
	}
	set(&e)
	return e
}

func fileChanged(change domain.FileChange, set func(*domain.FileChanged)) domain.FileChanged {
	e := domain.FileChanged{
		SourceID: source, OwnerID: owner, FileID: file, JobID: job, Run: 7, RunID: run, Seq: 41, Change: change,
		FileState: domain.FileState{
			Path: "src/net/http/server.go", Kind: domain.KindFile, Revision: digest.String(),
			Content: &domain.ClaimCheck{SHA256: digest, Size: 12345, Ref: domain.PackRef{
				Pack: "packs/" + source.String() + "/7-" + run.String() + "/1", Offset: 4096, Length: 2345,
			}},
			Language: "Go", MediaType: "text/x-go", ProviderTime: at.Add(-time.Hour),
			Attributes: map[string]string{"mode": "0644", "vendored": "true"},
		},
	}
	set(&e)
	return e
}

// samples has each event and change once, in full.
func samples() map[string]domain.Message {
	messages := map[string]domain.Message{}
	for name, set := range sourceSamples() {
		messages["source_"+name] = message(sourceChanged(domain.SourceChange(name), set))
	}
	for name, set := range fileSamples() {
		change, _, _ := strings.Cut(name, "-")
		messages["file_"+name] = message(fileChanged(domain.FileChange(change), set))
	}
	for _, state := range []domain.StageState{domain.StageDone, domain.StageSkipped, domain.StageFailed} {
		e := domain.StageReported{SourceID: source, OwnerID: owner, FileID: file, Stage: "chunk", Run: 7, Seq: 41, State: state, At: at}
		switch state {
		case domain.StageDone:
			e.Items, e.Replay = 1, "0195a3c1-7d2e-7b6a-9f00-000000000009"
		case domain.StageFailed:
			e.Error = "422: content: missing field"
		default:
		}
		messages["stage_"+string(state)] = message(e)
	}
	return messages
}

func fileSamples() map[string]func(*domain.FileChanged) {
	return map[string]func(*domain.FileChanged){
		"added":    func(*domain.FileChanged) {},
		"modified": func(e *domain.FileChanged) { e.AuthorRef, e.WebURL = "a-7f3e9c", "https://example.org/?a=1&b=<2>" },
		"renamed":  func(e *domain.FileChanged) { e.OldPath = "src/net/http/old server.go" },
		"removed":  func(e *domain.FileChanged) { e.Content, e.Attributes = nil, nil },
		"metadata": func(e *domain.FileChanged) { e.ItemID, e.Kind = "1AbC", domain.KindDocument },
		"added-not_utf8": func(e *domain.FileChanged) {
			e.PathRaw = []byte("caf\xe9 \u00e4.txt")
			e.Path = domain.Clean(string(e.PathRaw))
		},
	}
}

func sourceSamples() map[string]func(*domain.SourceChanged) {
	config := json.RawMessage(`{"rootPath":"/srv/docs","excludePaths":["**/*.tmp"]}`)
	partition := int32(3)
	counts := &domain.Counts{Listed: 12, Excluded: 3, Added: 4, Modified: 3, Renamed: 2, Removed: 1, Metadata: 1, Failed: 1, Bytes: 67890}
	totals := &domain.Totals{Files: 11, Bytes: 67890}
	versioned := func(e *domain.SourceChanged) { e.Version = 2 }
	return map[string]func(*domain.SourceChanged){
		"registered": func(e *domain.SourceChanged) {
			e.Name, e.ExternalKey, e.Config, e.Partition = "docs", "/srv/docs", config, &partition
		},
		"updated": func(e *domain.SourceChanged) { e.Version, e.Name, e.Config = 1, "docs", config },
		"paused":  versioned,
		"resumed": versioned,
		"hint_received": func(e *domain.SourceChanged) {
			e.Hint = &domain.Hint{Origin: "webhook", ProviderEvent: "push", DeliveryID: "72d3162e", Refs: []string{"refs/heads/main"}, PayloadDigest: digest}
		},
		"sync_requested": func(e *domain.SourceChanged) {
			e.JobID, e.Mode, e.Trigger, e.Cause = job, domain.SyncIncremental, domain.TriggerHint, &domain.Cause{From: 17, To: 23}
		},
		"sync_started": func(e *domain.SourceChanged) { e.Seq, e.Attempt = 0, 1 },
		"sync_progressed": func(e *domain.SourceChanged) {
			e.Counts, e.Totals = counts, totals
			e.Cursor = &domain.Envelope{
				Phase: domain.PhaseFollowing, Epoch: 1, Scope: digest,
				Start:  domain.Cursor{V: 1, Kind: "page", Opaque: json.RawMessage(`{"token":"abc"}`)},
				Resume: domain.Cursor{V: 1, Kind: "page", Opaque: json.RawMessage(`{"token":"def"}`)},
			}
			e.Failures = []domain.ItemFailure{{Path: "secret.bin", Code: "unreadable", Reason: "permission denied"}}
		},
		"sync_completed": func(e *domain.SourceChanged) { e.Counts, e.Totals = counts, totals },
		"sync_failed": func(e *domain.SourceChanged) {
			e.Counts, e.Totals, e.Attempt, e.RetryAt = counts, totals, 2, at.Add(time.Minute)
			e.Code, e.Message = domain.CodeTransient, "the provider does not answer"
		},
		"sync_cancelled": func(e *domain.SourceChanged) { e.JobID = job },
		"deletes_held": func(e *domain.SourceChanged) {
			e.Held = &domain.Held{Epoch: 2, Count: 600, Sample: []string{"a.go", "b.go"}}
		},
		"deletes_released": func(e *domain.SourceChanged) {
			e.JobID, e.Held, e.Trigger = job, &domain.Held{Epoch: 2}, domain.TriggerRelease
		},
		"hook_registered":     func(e *domain.SourceChanged) { e.Version, e.HookID, e.ExpiresAt = 3, "hook-1", at.Add(24*time.Hour) },
		"hook_renewed":        func(e *domain.SourceChanged) { e.Version, e.HookID, e.ExpiresAt = 4, "hook-1", at.Add(48*time.Hour) },
		"hook_removed":        func(e *domain.SourceChanged) { e.Version, e.HookID = 5, "hook-1" },
		"credential_attached": func(e *domain.SourceChanged) { e.Version, e.CredentialID = 6, "cred-1" },
		"credential_expired":  func(e *domain.SourceChanged) { e.Version, e.CredentialID = 7, "cred-1" },
		"removal_requested":   func(e *domain.SourceChanged) { e.JobID = job },
		"removed":             func(e *domain.SourceChanged) { e.Counts, e.Totals = counts, &domain.Totals{} },
	}
}
