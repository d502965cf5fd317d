package main

import (
	"fmt"
	"strconv"
	"time"
)

// What the verbs read of the service's answers.

type sourceReply struct {
	ID         string
	Type       string
	Name       string
	Status     string
	Paused     bool
	SyncDue    bool
	Stats      struct{ Files, TotalSize int64 }
	LastSyncAt time.Time
	CreatedAt  time.Time
	Metadata   struct{ URL string }
	LastError  *struct{ Code, Message string }
	Object     *struct { // nil: the provider does not say
		Name, URL, Visibility string
		Archived              bool
	}

	HeldDeletes *struct{ Count int64 } // nil: none
}

type jobReply struct {
	ID          string
	SourceID    string
	Type        string
	Trigger     string
	Status      string
	Progress    *int // percent; nil while nobody can know
	Stats       jobStats
	Message     string
	Error       string
	QueuedAt    time.Time
	StartedAt   time.Time
	CompletedAt time.Time
	RetryAt     time.Time
	Failures    []struct{ Path, Code, Reason string }
}

type jobStats struct {
	FilesTotal, FilesProcessed, Errors          int64
	Added, Modified, Renamed, Removed, Excluded int64
	Bytes                                       int64
}

// A syncReply tells which job does what was ordered.
type syncReply struct {
	JobID string `json:"job_id"`
}

// percent is how far j is; "-" while nobody can know.
func (j jobReply) percent() string {
	if j.Progress == nil {
		return "-"
	}
	return strconv.Itoa(*j.Progress) + "%"
}

// ended tells whether nothing more will happen to j.
func (j jobReply) ended() bool {
	return j.Status == "completed" || j.Status == "failed" || j.Status == "cancelled"
}

// String is what j did, in words; what it did not do is left out.
func (s jobStats) String() string {
	text := fmt.Sprintf("%d files", s.FilesProcessed)
	for _, part := range []struct {
		name  string
		count int64
	}{
		{"added", s.Added}, {"modified", s.Modified}, {"renamed", s.Renamed}, {"removed", s.Removed}, {"left out", s.Excluded}, {"unreadable", s.Errors},
	} {
		if part.count > 0 {
			text += fmt.Sprintf(", %d %s", part.count, part.name)
		}
	}
	return text
}
