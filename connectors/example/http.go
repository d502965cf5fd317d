package example

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/confuse/data-connector/domain"
)

// get makes one call. The body of the answer, which is a 200, is the caller's to
// close.
func (c *Connector) get(ctx context.Context, s domain.Scope, call string) (*http.Response, error) {
	base, err := baseURL(s)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+call, nil)
	if err != nil {
		return nil, fmt.Errorf("example: %w", err)
	}
	if s.Credential != nil {
		c, err := s.Credential(ctx)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+string(c.Secret))
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("example: %w: %w", domain.ErrTransient, err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // the status says it all
		return nil, c.classify(resp)
	}
	return resp, nil
}

// classify turns an answer of the API into one of our errors.
func (c *Connector) classify(resp *http.Response) error {
	kind := domain.ErrTransient
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		kind = domain.ErrUnauthorized
	case http.StatusForbidden:
		kind = domain.ErrForbidden
	case http.StatusNotFound:
		kind = domain.ErrGone
	case http.StatusGone:
		kind = domain.ErrCursorReset
	case http.StatusTooManyRequests:
		wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 3600 {
			wait = 60
		}
		return &domain.RateLimitedError{Until: c.clock.Now().Add(time.Duration(wait) * time.Second)}
	}
	return fmt.Errorf("example: %s: %w", resp.Status, kind)
}

// A body says of a connection that breaks that this passes.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("example: %w: %w", domain.ErrTransient, err)
	}
	return n, err
}
