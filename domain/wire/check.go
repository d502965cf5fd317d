package wire

import (
	"bytes"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

// A need is one thing that an event must have.
type need struct {
	field string
	has   bool
}

func missing(needs ...need) string {
	for _, n := range needs {
		if !n.has {
			return fmt.Sprintf("%s is missing or not allowed", n.field)
		}
	}
	return ""
}

// check says in plain words what an event lacks. It asks nothing of a change
// that this version does not know but what all changes share.
func check(event domain.Event) string {
	switch e := event.(type) {
	case domain.SourceChanged:
		return checkSource(e)
	case domain.FileChanged:
		return checkFile(e)
	case domain.StageReported:
		return checkStage(e)
	}
	return "no such event"
}

func checkSource(e domain.SourceChanged) string {
	shared := missing(
		need{"source_id", e.SourceID != domain.SourceID{}},
		need{"owner_id", e.OwnerID != ""},
		need{"provider", e.Provider != ""},
		need{"change", e.Change != ""},
		need{"at", !e.At.IsZero()},
		need{"config", len(e.Config) == 0 || isObject(e.Config)},
	)
	if shared != "" {
		return shared
	}
	if e.Change.InRun() {
		return missing(append(inRun(e.JobID, e.RunID, e.Run), need{"seq", e.Seq > 0 || e.Change == domain.SourceSyncStarted && e.Seq == 0},
			need{"held", e.Held != nil || e.Change != domain.SourceDeletesHeld})...)
	}
	switch e.Change {
	case domain.SourceRegistered:
		return missing(need{"external_key", e.ExternalKey != ""}, need{"partition", e.Partition != nil && *e.Partition >= 0})
	case domain.SourceHintReceived:
		return missing(need{"hint", e.Hint != nil && e.Hint.Origin != ""})
	case domain.SourceSyncRequested:
		return missing(need{"job_id", e.JobID != domain.JobID{}}, need{"mode", e.Mode != ""})
	case domain.SourceDeletesReleased:
		return missing(need{"job_id", e.JobID != domain.JobID{}}, need{"held", e.Held != nil})
	case domain.SourceSyncCancelled, domain.SourceRemovalRequested:
		return missing(need{"job_id", e.JobID != domain.JobID{}})
	default:
		return missing(need{"version", e.Version > 0 || !e.Change.Known()})
	}
}

func inRun(job domain.JobID, id domain.RunID, run int64) []need {
	return []need{{"job_id", job != domain.JobID{}}, {"run_id", id != domain.RunID{}}, {"run", run > 0}}
}

func isObject(raw []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) }

func checkFile(e domain.FileChanged) string {
	return missing(
		need{"job_id", e.JobID != domain.JobID{}},
		need{"run_id", e.RunID != domain.RunID{}},
		need{"run", e.Run > 0},
		need{"source_id", e.SourceID != domain.SourceID{}},
		need{"owner_id", e.OwnerID != ""},
		need{"file_id", e.FileID != domain.FileID{}},
		need{"seq", e.Seq > 0},
		need{"change", e.Change != ""},
		need{"path", e.Path != ""},
		need{"kind", e.Kind != ""},
		need{"content", e.Content == nil || isClaimCheck(*e.Content)},
	)
}

func isClaimCheck(c domain.ClaimCheck) bool {
	return !c.SHA256.IsZero() && c.Size >= 0 && c.Ref.Pack != "" && c.Ref.Offset >= 0 && c.Ref.Length >= 0
}

func checkStage(e domain.StageReported) string {
	return missing(
		need{"source_id", e.SourceID != domain.SourceID{}},
		need{"owner_id", e.OwnerID != ""},
		need{"file_id", e.FileID != domain.FileID{}},
		need{"stage", e.Stage != ""},
		need{"run", e.Run > 0},
		need{"seq", e.Seq > 0},
		need{"state", e.State != ""},
		need{"items", e.Items >= 0},
		need{"at", !e.At.IsZero()},
	)
}
