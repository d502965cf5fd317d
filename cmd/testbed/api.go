package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
)

// An API asks a service.
type API struct {
	URL   string
	Ended chan struct{} // closed when the service has
}

// A Job is one of the service.
type Job struct{ ID, Status, Error string }

// Call sends one request and reads the answer into reply; nil: it is not read.
func (a API) Call(ctx context.Context, method, path string, body, reply any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, a.URL+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // all is read
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return &refusal{code: resp.StatusCode, text: fmt.Sprintf("%s %s: %s: %s", method, path, resp.Status, answer)}
	}
	if reply == nil {
		return nil
	}
	return json.Unmarshal(answer, reply)
}

// A refusal is an answer of 4xx or 5xx.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

// Connect connects a folder, which is watched if so wanted; its first sync begins.
func (a API) Connect(ctx context.Context, folder string, watch bool) (source string, first Job, err error) {
	var reply struct {
		ID      string
		SyncJob Job
	}
	body := map[string]any{"type": "localfs", "config": map[string]any{"rootPath": folder, "defaultExcludes": false, "watch": watch}}
	err = a.Call(ctx, http.MethodPost, "/sources", body, &reply)
	return reply.ID, reply.SyncJob, err
}

// Sync orders a sync.
func (a API) Sync(ctx context.Context, source string) (Job, error) {
	var reply struct{ Job Job }
	err := a.Call(ctx, http.MethodPost, "/sources/"+source+"/sync", map[string]any{}, &reply)
	return reply.Job, err
}

// look is how often it is asked whether something is done.
const look = 10 * time.Millisecond

// Wait returns when the job is completed. A job that was accepted may not be in the
// tables yet.
func (a API) Wait(ctx context.Context, j Job) error {
	for {
		err := a.Call(ctx, http.MethodGet, "/jobs/"+j.ID, nil, &j)
		var refused *refusal
		if err != nil && (!errors.As(err, &refused) || refused.code != http.StatusNotFound) {
			return err
		}
		switch j.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return fmt.Errorf("job %s is %s: %s", j.ID, j.Status, j.Error)
		}
		select {
		case <-clock.System{}.After(look):
		case <-a.Ended:
			return fmt.Errorf("the service has ended while job %s was %s", j.ID, j.Status)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Files is how many files GET /sources/{id}/files shows.
func (a API) Files(ctx context.Context, source string) (int, error) {
	var reply struct{ Total int }
	err := a.Call(ctx, http.MethodGet, "/sources/"+source+"/files?limit=1", nil, &reply)
	return reply.Total, err
}

// Expect is an error unless the source has n files.
func (a API) Expect(ctx context.Context, source string, n int) error {
	got, err := a.Files(ctx, source)
	if err == nil && got != n {
		err = fmt.Errorf("source %s has %d files, want %d", source, got, n)
	}
	return err
}
