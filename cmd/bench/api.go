package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A job is one of the service.
type job struct{ ID, Status, Error string }

// call sends one request and reads the answer into reply; nil: it is not read.
func (s *service) call(ctx context.Context, method, path string, body, reply any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(text))
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
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if reply == nil {
		return nil
	}
	return json.Unmarshal(answer, reply)
}

// connect connects a folder; its first sync begins.
func (s *service) connect(ctx context.Context, folder string) (source string, first job, err error) {
	var reply struct {
		ID      string
		SyncJob job
	}
	body := map[string]any{"type": "localfs", "config": map[string]any{"rootPath": folder, "defaultExcludes": false}}
	err = s.call(ctx, http.MethodPost, "/sources", body, &reply)
	return reply.ID, reply.SyncJob, err
}

// sync orders a sync.
func (s *service) sync(ctx context.Context, source string) (job, error) {
	var reply struct{ Job job }
	err := s.call(ctx, http.MethodPost, "/sources/"+source+"/sync", map[string]any{}, &reply)
	return reply.Job, err
}

// look is how often a bench asks whether something is done.
const look = 10 * time.Millisecond

// wait returns when the job is completed.
func (s *service) wait(ctx context.Context, j job) error {
	for {
		if err := s.call(ctx, http.MethodGet, "/jobs/"+j.ID, nil, &j); err != nil {
			return err
		}
		switch j.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return fmt.Errorf("job %s is %s: %s", j.ID, j.Status, j.Error)
		}
		select {
		case <-s.bench.clock.After(look):
		case <-s.ended:
			return fmt.Errorf("the service has ended:\n%s", s.said())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// files is how many files GET /sources/{id}/files shows.
func (s *service) files(ctx context.Context, source string) (int, error) {
	var reply struct{ Total int }
	err := s.call(ctx, http.MethodGet, "/sources/"+source+"/files?limit=1", nil, &reply)
	return reply.Total, err
}

// expect is an error unless the source has n files.
func (s *service) expect(ctx context.Context, source string, n int) error {
	got, err := s.files(ctx, source)
	if err == nil && got != n {
		err = fmt.Errorf("source %s has %d files, want %d", source, got, n)
	}
	return err
}
