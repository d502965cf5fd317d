package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// replyTime is what one answer may take: connecting looks at the provider.
	replyTime = 90 * time.Second
	// maxReply bounds what is read of an answer.
	maxReply = 64 << 20
	// busyTries is how often a read is repeated that the service answers with 503.
	busyTries = 20
)

// A client asks a running service. A read that follows a write sees it.
type client struct {
	base, key string
	http      *http.Client
	clock     domain.Clock
	position  string // of the last write: Log-Position
}

func newClient(base, key string, clock domain.Clock) *client {
	return &client{base: strings.TrimRight(base, "/"), key: key, http: &http.Client{Timeout: replyTime}, clock: clock}
}

// An apiError is an answer of the service that is no success.
type apiError struct {
	Status  int
	Code    string
	Message string
	Details json.RawMessage
	After   time.Duration // from when on asking again makes sense; 0: not said
}

// later tells whether the same request may be answered another time.
func (e *apiError) later() bool {
	return e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests
}

// Error is the message, and the details where they say more.
func (e *apiError) Error() string {
	text := fmt.Sprintf("%s (%d %s)", e.Message, e.Status, e.Code)
	var fields []json.RawMessage
	if json.Unmarshal(e.Details, &fields) == nil { // the message names them
		return text
	}
	if details := strings.TrimSpace(string(e.Details)); details != "" && details != "null" && details != "{}" {
		text += " " + details
	}
	return text
}

// get reads path into reply, a pointer, and returns the answer as it came. While
// the service says that it is busy, as it does when it has not folded the
// client's last write yet, or that there were too many requests, it asks again.
func (c *client) get(ctx context.Context, path string, reply any) (raw json.RawMessage, err error) {
	for range busyTries {
		var busy *apiError
		raw, err = c.do(ctx, http.MethodGet, path, nil, reply)
		if !errors.As(err, &busy) || !busy.later() {
			return raw, err
		}
		select {
		case <-c.clock.After(max(time.Second, busy.After)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return raw, err
}

// post sends body, and reads the answer as get does. It is not repeated.
func (c *client) post(ctx context.Context, path string, body, reply any) (json.RawMessage, error) {
	return c.do(ctx, http.MethodPost, path, body, reply)
}

// patch changes what is there, and reads the answer as post does.
func (c *client) patch(ctx context.Context, path string, body, reply any) (json.RawMessage, error) {
	return c.do(ctx, http.MethodPatch, path, body, reply)
}

// delete orders a removal, and reads the answer as post does.
func (c *client) delete(ctx context.Context, path string, reply any) (json.RawMessage, error) {
	return c.do(ctx, http.MethodDelete, path, nil, reply)
}

func (c *client) do(ctx context.Context, method, path string, body, reply any) (json.RawMessage, error) {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the service: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it is read to its end, or given up
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, refusal(resp, raw)
	}
	if at := resp.Header.Get("Log-Position"); at != "" {
		c.position = at
	}
	if err := json.Unmarshal(raw, reply); err != nil {
		return nil, fmt.Errorf("%s does not answer as data-connector does: %w", c.base, err)
	}
	return raw, nil
}

func (c *client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, fmt.Errorf("URL of the service: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if method == http.MethodGet && c.position != "" {
		req.Header.Set("Min-Log-Position", c.position)
	}
	return req, nil
}

// refusal reads the error envelope; whatever else comes is shown as it is, cut.
func refusal(resp *http.Response, raw []byte) error {
	var envelope struct {
		Error struct {
			Code, Message string
			Details       json.RawMessage
		}
	}
	status := resp.StatusCode
	e := &apiError{Status: status}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.After = time.Duration(min(seconds, 120)) * time.Second
	}
	if json.Unmarshal(raw, &envelope) == nil && envelope.Error.Code != "" {
		e.Code, e.Message, e.Details = envelope.Error.Code, envelope.Error.Message, envelope.Error.Details
		return e
	}
	e.Code, e.Message = http.StatusText(status), "unexpected answer: "+strconv.Quote(string(raw[:min(len(raw), 200)]))
	return e
}
