package httpapi

import (
	"time"

	"github.com/confuse/data-connector/projections"
)

// A fileReply is a live file as the API shows it.
type fileReply struct {
	ID           string            `json:"id" doc:"Kept when the file is renamed."`
	SourceID     string            `json:"sourceId"`
	Path         string            `json:"path" doc:"Slash-separated, relative to the source. Bytes that are not UTF-8 show as U+FFFD, see pathRaw."`
	PathRaw      []byte            `json:"pathRaw,omitempty" doc:"The path's bytes in base64, where they are not UTF-8."`
	Kind         string            `json:"kind" enum:"file,document,pull_request,issue,wiki_page,comment_thread,submodule,symlink"`
	Language     string            `json:"language,omitempty" doc:"By its GitHub Linguist name; absent when it has none."`
	MediaType    string            `json:"mediaType,omitempty"`
	Size         int64             `json:"size" doc:"Bytes; 0 without content."`
	SHA256       string            `json:"sha256,omitempty" doc:"Of the content; absent when there is none. The ETag of GET /files/{id}/content."`
	Revision     string            `json:"revision" doc:"The provider's name for this version, or the digest where it has none."`
	WebURL       string            `json:"webUrl,omitempty"`
	LastModified time.Time         `json:"lastModified,omitzero" doc:"At the provider; absent when it does not tell."`
	ChangedAt    time.Time         `json:"changedAt" doc:"When its last change was found."`
	IndexedAt    time.Time         `json:"indexedAt,omitzero" doc:"When the pipeline last accepted it, in whatever state; absent before."`
	Attributes   map[string]string `json:"attributes" doc:"E.g. binary, generated, vendored."`
}

func newFileReply(f projections.FileRow, indexed time.Time) fileReply {
	r := fileReply{
		ID: f.ID.String(), SourceID: f.SourceID.String(), Path: f.Path, PathRaw: f.PathRaw, Kind: string(f.Kind),
		Language: f.Language, MediaType: f.MediaType, Revision: f.Revision, WebURL: f.WebURL,
		LastModified: f.ProviderTime.UTC(), ChangedAt: f.ChangedAt.UTC(), IndexedAt: indexed.UTC(), Attributes: f.Attributes,
	}
	if f.Content != nil {
		r.Size, r.SHA256 = f.Content.Size, f.Content.SHA256.String()
	}
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	return r
}
