package httpapi

import (
	"encoding/json"
	"maps"
	"net/url"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A SourceReply is a source as the API shows it. The names in snake_case are
// those that the platform's gateway reads. It is exported because huma documents
// only exported structs where another one embeds them.
type SourceReply struct {
	ID       string            `json:"id"`
	Type     string            `json:"type" doc:"The connector: localfs, github, ..."`
	Name     string            `json:"name"`
	Status   string            `json:"status" enum:"pending,syncing,synced,failed,disconnected" doc:"pending: not synced yet. syncing: a job runs or waits. disconnected: its credential has expired, or the provider lost it."`
	Config   json.RawMessage   `json:"config" doc:"The options as given, without secrets."`
	Metadata map[string]string `json:"metadata" doc:"url: where the source is, when it has an address. Beside it, as text, what a trusted gateway has sent with the options that is none of them."`
	Stats    sourceStats       `json:"stats"`
	Paused   bool              `json:"paused"`
	SyncDue  bool              `json:"syncDue,omitempty" doc:"A change of the options or the credential asks for a sync that has not begun yet."`

	CreatedAt  time.Time `json:"createdAt"`
	LastSyncAt time.Time `json:"lastSyncAt,omitzero" doc:"When the last job completed; absent before the first."`
	LastSync   time.Time `json:"last_sync,omitzero" doc:"The same as lastSyncAt."`

	Object *objectReply `json:"object,omitempty" doc:"The object at the provider, as the last sync has found it."`

	Jobs      []string      `json:"jobs" nullable:"false" doc:"Ids of the jobs that have not ended, the oldest first."`
	LastError *failureReply `json:"lastError,omitempty" doc:"Why the last job did not come to its end."`
	Held      *heldReply    `json:"heldDeletes,omitempty" doc:"Deletes that wait for a release: so many files were missing that a fault of the provider is more likely."`
}

// sourceStats are never partial: the gateway refuses stats without its three.
type sourceStats struct {
	Files    int64 `json:"files" doc:"Live files."`
	Chunks   int64 `json:"chunks" doc:"Always 0: unknown, no neighbour tells it."`
	Entities int64 `json:"entities" doc:"Always 0: unknown, no neighbour tells it."`

	FilesIndexed     int64            `json:"filesIndexed" doc:"The same as files."`
	ChunksCreated    int64            `json:"chunksCreated" doc:"Always 0: unknown."`
	TotalSize        int64            `json:"totalSize" doc:"Bytes of the live files' content."`
	LastSyncDuration float64          `json:"lastSyncDuration" doc:"Seconds that the last completed job took; 0 before the first."`
	Languages        map[string]int64 `json:"languages,omitempty" doc:"Live files by language; only where one source is asked for."`
}

type failureReply struct {
	Code    string `json:"code" doc:"One word: unauthorized, gone, rate_limited, partial, transient, invalid, internal."`
	Message string `json:"message"`
}

type objectReply struct {
	Name       string `json:"name,omitempty" doc:"What it is called now; a rename or a transfer changes it and nothing else."`
	URL        string `json:"url,omitempty" doc:"Its page."`
	Visibility string `json:"visibility,omitempty" doc:"public, internal or private; absent where the provider does not say."`
	Archived   bool   `json:"archived" doc:"Whether it takes no changes any more."`
}

type heldReply struct {
	Epoch  int64    `json:"epoch" doc:"Of the listing that missed them; a later one may miss others."`
	Count  int64    `json:"count" doc:"How many files the listing missed."`
	Sample []string `json:"sample" nullable:"false" doc:"Paths of some of them."`
}

func newSourceReply(s domain.Source) SourceReply {
	config := s.Config
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	r := SourceReply{
		ID: s.ID.String(), Type: string(s.Provider), Name: s.Name, Status: string(s.Status()),
		Config: config, Metadata: metadata(s), Paused: s.Paused, SyncDue: s.Rescoped || s.Reopened,
		Stats: sourceStats{
			Files: s.Totals.Files, FilesIndexed: s.Totals.Files, TotalSize: s.Totals.Bytes, LastSyncDuration: s.Duration.Seconds(),
		},
		CreatedAt: s.RegisteredAt.UTC(), LastSyncAt: s.SyncedAt.UTC(), LastSync: s.SyncedAt.UTC(),
		Jobs: []string{}, LastError: newFailureReply(s.Failure),
	}
	for _, j := range s.Jobs {
		r.Jobs = append(r.Jobs, j.ID.String())
	}
	if o := s.Object; o != nil {
		r.Object = &objectReply{Name: o.Name, URL: o.URL, Visibility: o.Visibility, Archived: o.Archived}
	}
	if s.Held != nil {
		r.Held = &heldReply{Epoch: s.Held.Epoch, Count: s.Held.Count, Sample: append([]string{}, s.Held.Sample...)}
	}
	return r
}

func newFailureReply(f *domain.Failure) *failureReply {
	if f == nil {
		return nil
	}
	return &failureReply{Code: f.Code, Message: f.Message}
}

// metadata holds what the gateway has sent beside the options, and the address of s
// under "url", which it hands on. That is what the config names, the page of the
// object at its provider, or what the provider calls the source if that is one.
func metadata(s domain.Source) map[string]string {
	var config struct {
		URL, URI, RootPath string
	}
	m := map[string]string{}
	maps.Copy(m, s.Metadata)
	if err := json.Unmarshal(s.Config, &config); err != nil { // no config, or options of other types under these names
		config.URL, config.URI, config.RootPath = "", "", ""
	}
	root := ""
	if config.RootPath != "" {
		root = (&url.URL{Scheme: "file", Path: config.RootPath}).String()
	}
	page := ""
	if s.Object != nil {
		page = s.Object.URL
	}
	for _, candidate := range []string{config.URL, config.URI, root, page, s.ExternalKey} {
		if u, err := url.Parse(candidate); err == nil && u.Scheme != "" && u.User == nil && (u.Host != "" || u.Path != "") {
			m["url"] = candidate
			break
		}
	}
	return m
}
