package chunk

import (
	"path"
	"strings"
	"time"

	"github.com/go-enry/go-enry/v2"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/normalize"
	"github.com/confuse/data-connector/domain"
)

// A Job is the body of POST /chunk/jobs.
type Job struct {
	SourceID   uuid.UUID  `json:"source_id"`
	SourceKind SourceKind `json:"source_kind"`
	Items      []Item     `json:"items"`
}

// An Item is one file of a Job.
type Item struct {
	ID          uuid.UUID  `json:"id"` // of the event
	SourceID    uuid.UUID  `json:"source_id"`
	SourceKind  SourceKind `json:"source_kind"`
	ContentType string     `json:"content_type"`
	Content     string     `json:"content"`
	Metadata    Metadata   `json:"metadata"`
	CreatedAt   time.Time  `json:"created_at,omitzero"` // UTC
}

// Metadata is what an item says of itself. The chunker hands on Path and Language,
// and nothing else.
type Metadata struct {
	Path       string          `json:"path"`
	Language   string          `json:"language"`
	OwnerID    domain.OwnerID  `json:"owner_id"`
	FileID     domain.FileID   `json:"file_id"`
	Kind       domain.FileKind `json:"kind"`
	Change     string          `json:"change"`
	Revision   string          `json:"revision"`
	SHA256     domain.Digest   `json:"sha256"` // of the file, not of its text
	Run        int64           `json:"run"`
	Seq        int64           `json:"seq"`
	Provider   domain.Provider `json:"provider,omitempty"`
	Repository string          `json:"repository,omitempty"`
	OldPath    string          `json:"old_path,omitempty"`
	WebURL     string          `json:"web_url,omitempty"`
	AuthorRef  string          `json:"author_ref,omitempty"`
	Replay     string          `json:"replay,omitempty"`
}

// An Answer is what the chunker says to a Job.
type Answer struct {
	JobID      uuid.UUID `json:"job_id"`
	Accepted   bool      `json:"accepted"`
	ItemsCount int       `json:"items_count"`
	Message    string    `json:"message"`
}

// A SourceKind is where an item comes from, in the chunker's words.
type SourceKind string

// The kinds that the chunker knows.
const (
	CodeRepo  SourceKind = "code_repo"
	Document  SourceKind = "document"
	Chat      SourceKind = "chat"
	Ticketing SourceKind = "ticketing"
	Wiki      SourceKind = "wiki"
	Email     SourceKind = "email"
	Web       SourceKind = "web"
	Other     SourceKind = "other"
)

func newItem(h pipeline.Handover, text normalize.Text) Item {
	f := h.File
	kind := kindOf(h, text)
	contentType, language := typeOf(f, text, kind)
	at := f.ProviderTime
	if at.IsZero() || at.Year() < 1 || at.Year() > 9999 {
		at = h.Time
	}
	return Item{
		ID: h.ID.UUID, SourceID: f.SourceID.UUID, SourceKind: kind, ContentType: contentType, Content: text.Content,
		CreatedAt: at.UTC(),
		Metadata: Metadata{
			Path: f.Path, Language: language, OwnerID: f.OwnerID, FileID: f.FileID, Kind: f.Kind, Change: string(f.Change),
			Revision: f.Revision, SHA256: f.Content.SHA256, Run: f.Run, Seq: f.Seq, Provider: h.Source.Provider,
			Repository: h.Source.ExternalKey, OldPath: f.OldPath, WebURL: f.WebURL, AuthorRef: f.AuthorRef, Replay: h.Replay,
		},
	}
}

// kindOf goes by what the file is, then by who provides it.
func kindOf(h pipeline.Handover, text normalize.Text) SourceKind {
	switch h.File.Kind {
	case domain.KindIssue, domain.KindPullRequest:
		return Ticketing
	case domain.KindCommentThread:
		return Chat
	case domain.KindWikiPage:
		return Wiki
	case domain.KindDocument:
		return Document
	default:
	}
	if text.Extracted {
		return Document
	}
	switch h.Source.Provider {
	case "notion", "confluence":
		return Wiki
	case "slack":
		return Chat
	case "jira", "linear":
		return Ticketing
	case "email", "imap":
		return Email
	case "url", "web", "url_crawler":
		return Web
	case "gdrive", "dropbox", "onedrive", "upload":
		if kind := enry.GetLanguageType(text.Language); kind == enry.Programming {
			return CodeRepo
		}
		return Document
	}
	switch enry.GetLanguageType(text.Language) {
	case enry.Unknown, enry.Prose:
		return Document
	default:
		return CodeRepo
	}
}

// typeOf gives the content type, and the language in the chunker's words.
func typeOf(f domain.FileChanged, text normalize.Text, kind SourceKind) (contentType, language string) {
	language = languageOf(f.Path, text.Language)
	switch {
	case text.Extracted:
		return "text/plain", ""
	case text.Language == "Markdown" || f.MediaType == "text/markdown":
		return "text/markdown", "markdown"
	case text.Language == "CSV" || text.Language == "TSV":
		return "text/csv", language
	case kind == CodeRepo && language != "":
		return "text/code:" + language, language
	}
	return "text/plain", language
}

// languageOf turns the name of a language into one that the chunker knows, or into
// a word of that form.
func languageOf(p, name string) string {
	switch ext := strings.ToLower(path.Ext(p)); {
	case ext == ".jsx" && name == "JavaScript":
		return "jsx"
	case ext == ".tsx" && (name == "TypeScript" || name == "TSX"):
		return "tsx"
	}
	switch name {
	case "C++":
		return "cpp"
	case "C#":
		return "csharp"
	case "F#":
		return "fsharp"
	}
	return strings.ReplaceAll(strings.ToLower(name), " ", "-")
}

// isBlank tells whether there is nothing to cut into chunks.
func isBlank(s string) bool { return strings.TrimSpace(s) == "" }
