package domain

import (
	"bytes"
	"time"
)

// A FileChange says what happened to a file. Its values are on the log for good
// (I6): a new meaning is a new value.
type FileChange string

// The changes of a file.
const (
	FileAdded    FileChange = "added"    // not live before
	FileModified FileChange = "modified" // same path, other bytes
	FileRenamed  FileChange = "renamed"  // from OldPath to Path; the bytes may differ too
	FileRemoved  FileChange = "removed"  // the provider said so, or a complete listing proved it (I8)
	FileMetadata FileChange = "metadata" // same path, same bytes; other attributes, or the bytes lie elsewhere
)

// Known reports whether c is a value that this version understands.
func (c FileChange) Known() bool {
	switch c {
	case FileAdded, FileModified, FileRenamed, FileRemoved, FileMetadata:
		return true
	}
	return false
}

// A FileKind says what an item of a provider is.
type FileKind string

// The kinds of files.
const (
	KindFile          FileKind = "file"
	KindDocument      FileKind = "document"
	KindPullRequest   FileKind = "pull_request"
	KindIssue         FileKind = "issue"
	KindWikiPage      FileKind = "wiki_page"
	KindCommentThread FileKind = "comment_thread"
	KindSubmodule     FileKind = "submodule"
	KindSymlink       FileKind = "symlink"
)

// A FileChanged says that one file of a source is not what it was. It carries
// the whole state of the file, so that a reader needs no earlier event. I1: it is
// appended after its content is stored, so whoever reads it may open the
// content. I3: it counts only while RunID is the current run of its source.
type FileChanged struct {
	SourceID SourceID   `json:"source_id"`
	OwnerID  OwnerID    `json:"owner_id"`
	FileID   FileID     `json:"file_id"` // a rename keeps it; no other live file has it
	JobID    JobID      `json:"job_id"`
	Run      int64      `json:"run"` // grows with each claim of the source
	RunID    RunID      `json:"run_id"`
	Seq      int64      `json:"seq"` // grows by one per event of the run; (run, seq) orders the states of a file
	Change   FileChange `json:"change"`
	OldPath  string     `json:"old_path,omitempty"` // only when renamed
	FileState
}

// A FileState is what a file is, without what happened to it.
type FileState struct {
	ItemID       string            `json:"item_id,omitempty"`  // the provider's id of it; empty where it has none (git, local folders)
	Path         string            `json:"path"`               // slash-separated, relative to the source's root; UTF-8 without NUL
	PathRaw      []byte            `json:"path_raw,omitempty"` // the provider's bytes where they are not UTF-8; base64 in JSON
	Kind         FileKind          `json:"kind"`
	Revision     string            `json:"revision"`          // the provider's name for this version: git blob id, Dropbox rev; the content's digest where it has none
	Content      *ClaimCheck       `json:"content,omitempty"` // absent when there are no bytes: removed, submodule, symlink
	Language     string            `json:"language,omitempty"`
	MediaType    string            `json:"media_type,omitempty"`
	WebURL       string            `json:"web_url,omitempty"`
	AuthorRef    string            `json:"author_ref,omitempty"`   // random per owner and person, never a name or an address (I7)
	ProviderTime time.Time         `json:"provider_time,omitzero"` // last modification, UTC; zero when the provider has none
	Attributes   map[string]string `json:"attributes"`             // {} when there are none, never nil
}

// RawPath is the path as the provider gave it.
func (f FileState) RawPath() []byte {
	if f.PathRaw != nil {
		return f.PathRaw
	}
	return []byte(f.Path)
}

// A Revised is the place of a state in the history of its file.
type Revised struct {
	Run int64
	Seq int64
}

// Before reports whether r is an older state than other.
func (r Revised) Before(other Revised) bool {
	return r.Run < other.Run || r.Run == other.Run && r.Seq < other.Seq
}

// Revised is the place of e in the history of its file.
func (e FileChanged) Revised() Revised { return Revised{e.Run, e.Seq} }

// A File is the last folded state of a file: what the table files holds.
type File struct {
	ID       FileID
	SourceID SourceID
	OwnerID  OwnerID
	At       Revised // the event it comes from
	Removed  bool    // a tombstone: it keeps At for the id of the next event, and turns away late duplicates
	FileState
}

// Same reports whether state says nothing new over f: it is live at the same raw
// path with the same content and the same attributes.
func (f File) Same(state FileState) bool {
	return !f.Removed && bytes.Equal(f.RawPath(), state.RawPath()) && f.sameContent(state) && f.sameMetadata(state)
}

func (f File) sameContent(state FileState) bool {
	if (f.Content == nil) != (state.Content == nil) {
		return false
	}
	if f.Content == nil {
		return f.Revision == state.Revision
	}
	return f.Content.SHA256 == state.Content.SHA256
}

// sameMetadata leaves out the time of modification and the revision: a touched
// file is no news while its bytes are the same.
func (f File) sameMetadata(state FileState) bool {
	if f.Kind != state.Kind || f.Language != state.Language || f.MediaType != state.MediaType ||
		f.WebURL != state.WebURL || f.AuthorRef != state.AuthorRef || len(f.Attributes) != len(state.Attributes) {
		return false
	}
	for k, v := range f.Attributes {
		if w, ok := state.Attributes[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// ChangeTo says how state differs from f, which is live. It is called only when
// they are not the same.
func (f File) ChangeTo(state FileState) FileChange {
	switch {
	case !bytes.Equal(f.RawPath(), state.RawPath()):
		return FileRenamed
	case !f.sameContent(state):
		return FileModified
	default:
		return FileMetadata
	}
}
