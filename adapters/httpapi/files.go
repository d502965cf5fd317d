package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func (s *Server) fileRoutes() {
	register(s, huma.Operation{
		OperationID: "list-files", Method: http.MethodGet, Path: "/sources/{id}/files", Tags: []string{"files"},
		Summary: "List the files of a source", Description: "Live files in the byte order of their paths. Go on with cursor=next until next is absent; files that change meanwhile are seen as they are then, none is skipped that was there all the time.",
		Errors: []int{http.StatusNotFound},
	}, s.listFiles)
	register(s, huma.Operation{
		OperationID: "get-file", Method: http.MethodGet, Path: "/files/{id}", Tags: []string{"files"},
		Summary: "Get a file", Errors: []int{http.StatusNotFound},
	}, s.getFile)
	register(s, contentOperation(), s.getContent)
}

type listFilesInput struct {
	ID           string    `path:"id" doc:"Id of the source."`
	PathPrefix   string    `query:"pathPrefix" maxLength:"4096" doc:"Only paths that begin like this."`
	Path         string    `query:"path" maxLength:"4096" doc:"The same as pathPrefix."`
	Language     string    `query:"language" maxLength:"100" doc:"Only files in this language, by its GitHub Linguist name."`
	Kind         string    `query:"kind" enum:"file,document,pull_request,issue,wiki_page,comment_thread,submodule,symlink" doc:"Only files of this kind."`
	ChangedSince time.Time `query:"changedSince" doc:"Only files whose last change was found then or later (changedAt)."`
	Limit        int       `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	Cursor       string    `query:"cursor" maxLength:"8192" doc:"next of the answer before."`
}

type listFilesOutput struct{ Body fileList }

// A fileList is a page of files. jsonFormat writes it.
type fileList struct {
	Files []fileReply `json:"files" nullable:"false"`
	Total int64       `json:"total" doc:"Of the selection, whatever limit and cursor are. With a filter it is counted no further than 10000."`
	Next  string      `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

// listFiles handles GET /sources/{id}/files.
func (s *Server) listFiles(ctx context.Context, in *listFilesInput) (*listFilesOutput, error) {
	filter, after, err := in.read()
	if err != nil {
		return nil, err
	}
	source, err := s.source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	files, next, err := s.Files.ListFiles(ctx, owner(ctx), source.ID, filter, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &listFilesOutput{Body: fileList{Total: source.Totals.Files}}
	if filter != (projections.FileFilter{}) {
		if out.Body.Total, err = s.Files.CountFiles(ctx, owner(ctx), source.ID, filter); err != nil {
			return nil, err
		}
	}
	if next != nil {
		out.Body.Next = formatCursor(*next)
	}
	out.Body.Files, err = s.fileReplies(ctx, files)
	return out, err
}

func (in *listFilesInput) read() (projections.FileFilter, projections.FileKey, error) {
	if in.Path != "" && in.PathPrefix != "" && in.Path != in.PathPrefix {
		return projections.FileFilter{}, projections.FileKey{}, &domain.InvalidError{Field: "path", Problem: "differs from pathPrefix", Allowed: "one of the two"}
	}
	after, err := parseCursor(in.Cursor)
	return projections.FileFilter{
		PathPrefix: cmp.Or(in.PathPrefix, in.Path), Language: in.Language, Kind: domain.FileKind(in.Kind), ChangedSince: in.ChangedSince,
	}, after, err
}

func (s *Server) fileReplies(ctx context.Context, files []projections.FileRow) ([]fileReply, error) {
	ids := make([]domain.FileID, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	indexed, err := s.Files.Indexed(ctx, ids)
	if err != nil {
		return nil, err
	}
	replies := make([]fileReply, len(files))
	for i, f := range files {
		replies[i] = newFileReply(f, indexed[f.ID])
	}
	return replies, nil
}

type fileInput struct {
	ID string `path:"id" doc:"Id of the file."`
}

type getFileOutput struct{ Body fileReply }

// getFile handles GET /files/{id}.
func (s *Server) getFile(ctx context.Context, in *fileInput) (*getFileOutput, error) {
	f, err := s.file(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	replies, err := s.fileReplies(ctx, []projections.FileRow{f})
	if err != nil {
		return nil, err
	}
	return &getFileOutput{Body: replies[0]}, nil
}

// file is the caller's live file with this id. A file goes with its source: once
// the removal of that is requested, it is an unknown one.
func (s *Server) file(ctx context.Context, id string) (projections.FileRow, error) {
	parsed, err := domain.ParseFileID(id)
	if err != nil {
		return projections.FileRow{}, err
	}
	f, err := s.Files.GetFile(ctx, owner(ctx), parsed)
	if err != nil {
		return projections.FileRow{}, err
	}
	_, err = s.source(ctx, f.SourceID.String())
	if errors.Is(err, domain.ErrSourceNotFound) || err == nil && (f.Removed || f.OwnerID != owner(ctx)) { // I10
		return projections.FileRow{}, fmt.Errorf("file %s: %w", id, domain.ErrFileNotFound)
	}
	return f, err
}
