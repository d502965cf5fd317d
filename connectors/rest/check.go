package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/confuse/data-connector/domain"
)

// maxMessage is how much of a refusal's text is kept.
const maxMessage = 4 << 10

// A StatusError is an answer that was no success. It matches ErrForbidden for 403
// and ErrGone for 404 and 410.
type StatusError struct {
	Status int
	Body   []byte // the first 4 KiB, which are the provider's words: not for Error, which may be logged
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("answered %d %s", e.Status, http.StatusText(e.Status))
}

// Is makes the error match ErrForbidden or ErrGone.
func (e *StatusError) Is(target error) bool {
	switch e.Status {
	case http.StatusForbidden:
		return target == domain.ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return target == domain.ErrGone
	}
	return false
}

// Check turns an answer that is no success into a StatusError and closes it.
func Check(resp *http.Response) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage)) // what came of it is enough
	_ = resp.Body.Close()                                     // nothing is lost
	return &StatusError{Status: resp.StatusCode, Body: b}
}

// JSON makes one call with in as its body, nil for none, and reads the answer
// into out, nil for nowhere. An answer that is cut off or is no JSON is
// ErrTransient.
func JSON(ctx context.Context, c *http.Client, method, address string, in, out any) (http.Header, error) {
	var send io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("rest: %w", err)
		}
		send = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, send)
	if err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	if err := Check(resp); err != nil {
		return resp.Header, err
	}
	if out != nil {
		err = json.NewDecoder(resp.Body).Decode(out)
	}
	if err = errors.Join(err, resp.Body.Close()); err == nil || errors.Is(err, domain.ErrTooLarge) {
		return resp.Header, err
	}
	return resp.Header, fmt.Errorf("rest: answer is no JSON: %w: %w", domain.ErrTransient, err)
}
