package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func (s *Server) letterRoutes() {
	noEvent := marked(markNoEvent)
	register(s, huma.Operation{
		OperationID: "list-dead-letters", Method: http.MethodGet, Path: "/dead-letters", Tags: []string{"pipeline"},
		Summary: "List what a neighbour refused for good", Description: "Changes of files that a stage of the pipeline could not hand on and will not try again by itself. A file that has been handed on in a newer state since is not among them. Go on with after=next until next is absent.",
		Errors: []int{http.StatusNotFound},
	}, s.listLetters)
	register(s, huma.Operation{
		OperationID: "get-dead-letter", Method: http.MethodGet, Path: "/dead-letters/{stage}/{fileId}", Tags: []string{"pipeline"},
		Summary: "Show one with the event that was refused", Errors: []int{http.StatusNotFound},
	}, s.getLetter)
	register(s, huma.Operation{
		OperationID: "retry-dead-letters", Method: http.MethodPost, Path: "/dead-letters/retry", Tags: []string{"pipeline"}, Metadata: noEvent,
		Summary: "Hand them on again", Description: "Each goes to the stage that refused it, and stays in the list until that has answered.",
		Errors: []int{http.StatusNotFound},
	}, s.retryLetters)
	register(s, huma.Operation{
		OperationID: "discard-dead-letters", Method: http.MethodPost, Path: "/dead-letters/discard", Tags: []string{"pipeline"}, Metadata: noEvent,
		Summary: "Leave them be", Description: "They need no answer any more. A later state of their files is handed on as ever.",
		Errors: []int{http.StatusNotFound},
	}, s.discardLetters)
}

type listLettersInput struct {
	Stage    string `query:"stage" maxLength:"64" doc:"Only those of this stage."`
	SourceID string `query:"sourceId" maxLength:"64" doc:"Only those of this source."`
	Replay   string `query:"replay" maxLength:"64" doc:"Only those that failed in this replay."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	After    string `query:"after" maxLength:"128" doc:"next of the answer before."`
}

type listLettersOutput struct {
	Body struct {
		Letters []letterReply `json:"deadLetters" nullable:"false"`
		Next    string        `json:"next,omitempty" doc:"after of the next page; absent on the last one."`
	}
}

type letterReply struct {
	ID             string    `json:"id" doc:"<stage>/<fileId>, by which it is shown, retried or discarded."`
	Stage          string    `json:"stage"`
	FileID         string    `json:"fileId"`
	SourceID       string    `json:"sourceId"`
	Path           string    `json:"path,omitempty" doc:"Of the file now."`
	Run            int64     `json:"run" doc:"With seq: the state that was refused."`
	Seq            int64     `json:"seq"`
	Error          string    `json:"error" doc:"What the neighbour said, at most 2 KiB."`
	Attempts       int       `json:"attempts" doc:"How often it was asked."`
	FirstFailureAt time.Time `json:"firstFailureAt,omitzero"`
	FailedAt       time.Time `json:"failedAt" doc:"When it was set aside."`
	Replay         string    `json:"replay,omitempty" doc:"Id of the replay or retry that it failed in."`
}

func newLetterReply(l projections.LetterRow) letterReply {
	r := letterReply{
		ID: l.String(), Stage: l.Stage, FileID: l.File.String(), SourceID: l.SourceID.String(), Path: l.Path, Run: l.At.Run, Seq: l.At.Seq,
		Error: l.Error, FailedAt: l.FailedAt.UTC(), Replay: l.Replay,
	}
	if l.Letter != nil {
		r.Attempts, r.FirstFailureAt = l.Letter.Attempts, l.Letter.FirstFailure.UTC()
	}
	return r
}

// listLetters handles GET /dead-letters.
func (s *Server) listLetters(ctx context.Context, in *listLettersInput) (*listLettersOutput, error) {
	page := projections.LetterPage{Stage: in.Stage, Replay: in.Replay, Limit: in.Limit}
	var err error
	if in.After != "" {
		if page.After, err = parseLetter("after", in.After); err != nil {
			return nil, err
		}
	}
	if page.Source, err = s.sourceAsked(ctx, in.SourceID); err != nil {
		return nil, err
	}
	rows, next, err := s.Letters.ListLetters(ctx, owner(ctx), page)
	if err != nil {
		return nil, err
	}
	out := &listLettersOutput{}
	out.Body.Letters = []letterReply{}
	for _, l := range rows {
		out.Body.Letters = append(out.Body.Letters, newLetterReply(l))
	}
	if next != nil {
		out.Body.Next = next.String()
	}
	return out, nil
}

type getLetterInput struct {
	Stage  string `path:"stage" maxLength:"64"`
	FileID string `path:"fileId" maxLength:"64"`
}

type getLetterOutput struct {
	Body struct {
		letterReply
		Headers map[string]string `json:"headers,omitempty" doc:"Of the event."`
		Payload json.RawMessage   `json:"payload,omitempty" doc:"The event as it was refused; absent when the log no longer holds it."`
	}
}

// getLetter handles GET /dead-letters/{stage}/{fileId}.
func (s *Server) getLetter(ctx context.Context, in *getLetterInput) (*getLetterOutput, error) {
	key, err := parseLetter("fileId", in.Stage+"/"+in.FileID)
	if err != nil {
		return nil, err
	}
	row, headers, payload, err := s.Desk.Show(ctx, owner(ctx), key)
	if err != nil {
		return nil, err
	}
	out := &getLetterOutput{}
	out.Body.letterReply, out.Body.Headers = newLetterReply(row), headers
	if json.Valid(payload) {
		out.Body.Payload = payload
	}
	return out, nil
}

// A letterSelection says which letters are meant.
type letterSelection struct {
	Body struct {
		ID       string `json:"id,omitempty" maxLength:"128" doc:"One: <stage>/<fileId>."`
		Stage    string `json:"stage,omitempty" maxLength:"64" doc:"Instead: those of this stage."`
		SourceID string `json:"sourceId,omitempty" maxLength:"64" doc:"Instead, or with stage: those of this source."`
		Replay   string `json:"replay,omitempty" maxLength:"64" doc:"Instead, or with stage and sourceId: those that failed in this replay."`
		All      bool   `json:"all,omitempty" doc:"Instead: all of them."`
	}
}

// selected reads a selection. One that names a letter which is none is refused.
func (s *Server) selected(ctx context.Context, in *letterSelection) (projections.LetterPage, error) {
	b := in.Body
	if b.ID == "" {
		if (b.Stage == "" && b.SourceID == "" && b.Replay == "") != b.All {
			return projections.LetterPage{}, &domain.InvalidError{Field: "body", Problem: "does not say what is meant", Allowed: "either id, or stage, sourceId, replay or some of them, or all"}
		}
		source, err := s.sourceAsked(ctx, b.SourceID)
		return projections.LetterPage{Stage: b.Stage, Source: source, Replay: b.Replay}, err
	}
	if b.Stage != "" || b.SourceID != "" || b.Replay != "" || b.All {
		return projections.LetterPage{}, &domain.InvalidError{Field: "id", Problem: "is there beside other things", Allowed: "either id, or stage, sourceId, replay or some of them, or all"}
	}
	key, err := parseLetter("id", b.ID)
	if err != nil {
		return projections.LetterPage{}, err
	}
	recordOf(ctx).poison = key.String() // for the audit line
	page := projections.LetterPage{Stage: key.Stage, Files: []domain.FileID{key.File}, Limit: 1}
	rows, _, err := s.Letters.ListLetters(ctx, owner(ctx), page)
	if err == nil && len(rows) == 0 {
		err = projections.ErrNotLetter
	}
	return page, err
}

type retryLettersOutput struct {
	Body struct {
		Retried int64 `json:"retried" doc:"Handed on again."`
		Gone    int64 `json:"gone" doc:"The log no longer holds their events: sync the source in full, or discard them."`
	}
}

// retryLetters handles POST /dead-letters/retry.
func (s *Server) retryLetters(ctx context.Context, in *letterSelection) (*retryLettersOutput, error) {
	page, err := s.selected(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &retryLettersOutput{}
	out.Body.Retried, out.Body.Gone, err = s.Desk.Retry(ctx, owner(ctx), page)
	return out, err
}

type discardLettersOutput struct {
	Body struct {
		Discarded int64 `json:"discarded"`
	}
}

// discardLetters handles POST /dead-letters/discard.
func (s *Server) discardLetters(ctx context.Context, in *letterSelection) (*discardLettersOutput, error) {
	page, err := s.selected(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &discardLettersOutput{}
	out.Body.Discarded, err = s.Desk.Discard(ctx, owner(ctx), page)
	return out, err
}

// parseLetter reads what LetterKey.String writes.
func parseLetter(field, name string) (projections.LetterKey, error) {
	stage, file, ok := strings.Cut(name, "/")
	id, err := domain.ParseFileID(file)
	if !ok || err != nil || stage == "" {
		return projections.LetterKey{}, &domain.InvalidError{Field: field, Problem: "is not the name of a dead letter", Allowed: "<stage>/<fileId>"}
	}
	return projections.LetterKey{Stage: stage, File: id}, nil
}
