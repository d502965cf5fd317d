package gitrepo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// The type of LFS messages (git-lfs docs/api/batch.md), and the most bytes of an
// answer to one.
const (
	lfsType   = "application/vnd.git-lfs+json"
	maxAnswer = 1 << 20
)

// download opens the file that p stands for. ErrGone: the server does not have
// it. What comes is compared with the pointer: another file is ErrTransient.
func (s Source) download(ctx context.Context, r *repo, ref domain.ItemRef, p pointer) (domain.Content, error) {
	if s.Client.opt.HTTP == nil {
		return domain.Content{}, errors.New("gitrepo: lfs: no HTTP client is configured")
	}
	if p.size >= r.limit {
		return domain.Content{}, fmt.Errorf("gitrepo: lfs: %d bytes: %w", p.size, domain.ErrTooLarge)
	}
	a, err := s.batch(ctx, p)
	if err != nil {
		return domain.Content{}, err
	}
	body := newFlowing(ctx, s.Client.opt.Stall)
	if err := body.begin(func(ctx context.Context) (io.ReadCloser, error) { return s.open(ctx, a) }); err != nil {
		return domain.Content{}, err
	}
	return domain.Content{Body: &checked{ReadCloser: body, sum: sha256.New(), want: p}, Version: ref.Version}, nil
}

// open asks for a file where it is.
func (s Source) open(ctx context.Context, a action) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Href, nil)
	if err != nil || req.URL.Scheme != "https" && !s.Client.opt.AllowHTTP {
		return nil, fmt.Errorf("gitrepo: lfs: address of a file that is not https: %w", first(err, domain.ErrForbidden))
	}
	for key, value := range a.Header { // our token only goes to the server of the repository
		req.Header.Set(key, value)
	}
	res, err := s.Client.opt.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("gitrepo: lfs: %w: %w", domain.ErrTransient, withoutURL(err))
	}
	if err := s.Client.status(res.StatusCode); err != nil {
		_ = res.Body.Close()                        // nothing of it is wanted
		if errors.Is(err, domain.ErrUnauthorized) { // by a store of files, which has never seen our token
			err = fmt.Errorf("gitrepo: lfs: status %d: %w", res.StatusCode, domain.ErrForbidden)
		}
		return nil, err
	}
	return res.Body, nil
}

// An action says where a file is.
type action struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

// batch asks where the file of p is.
func (s Source) batch(ctx context.Context, p pointer) (action, error) {
	u, err := s.Client.parseURL(s.Remote.URL)
	if err != nil {
		return action{}, err
	}
	ask := fmt.Appendf(nil, `{"operation":"download","transfers":["basic"],"hash_algo":"sha256","objects":[{"oid":%q,"size":%d}]}`, p.oid, p.size)
	at := strings.TrimSuffix(strings.TrimSuffix(u.String(), "/"), ".git") + ".git/info/lfs/objects/batch"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(ask))
	if err != nil {
		return action{}, fmt.Errorf("gitrepo: lfs: %w", err)
	}
	req.Header.Set("Accept", lfsType)
	req.Header.Set("Content-Type", lfsType)
	if s.Remote.Auth != nil {
		auth, err := s.Remote.Auth(ctx)
		if err != nil {
			return action{}, err
		}
		req.SetBasicAuth(auth.Username, string(auth.Password))
	}
	res, err := staying(s.Client.opt.HTTP).Do(req)
	if err != nil {
		return action{}, fmt.Errorf("gitrepo: lfs: %w: %w", domain.ErrTransient, withoutURL(err))
	}
	defer func() { _ = res.Body.Close() }() // it was read
	if err := s.Client.status(res.StatusCode); err != nil {
		return action{}, err
	}
	return readBatch(io.LimitReader(res.Body, maxAnswer))
}

// staying is c without redirects: Go lets a credential follow to other ports of the
// same host and to hosts below it, and git, for the same repository, follows none.
func staying(c *http.Client) *http.Client {
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func readBatch(r io.Reader) (action, error) {
	var answer struct {
		Objects []struct {
			Actions struct {
				Download action `json:"download"`
			} `json:"actions"`
			Error *struct {
				Code int `json:"code"`
			} `json:"error"`
		} `json:"objects"`
	}
	if err := json.NewDecoder(r).Decode(&answer); err != nil || len(answer.Objects) != 1 {
		return action{}, fmt.Errorf("gitrepo: lfs: %d objects in the answer: %w: %w", len(answer.Objects), domain.ErrTransient, first(err, errFormat))
	}
	o := answer.Objects[0]
	if o.Error != nil || o.Actions.Download.Href == "" {
		return action{}, fmt.Errorf("gitrepo: lfs: the server does not have the file: %w", domain.ErrGone)
	}
	return o.Actions.Download, nil
}

// status turns the status of an answer into one of our errors.
func (c *Client) status(code int) error {
	var err error
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusUnauthorized:
		err = domain.ErrUnauthorized
	case code == http.StatusForbidden, code >= 300 && code < 400: // redirects lead elsewhere, which is not asked
		err = domain.ErrForbidden
	case code == http.StatusNotFound, code == http.StatusGone:
		err = domain.ErrGone
	case code == http.StatusTooManyRequests:
		err = &domain.RateLimitedError{Until: c.opt.Clock.Now().Add(limitedFor)}
	default:
		err = domain.ErrTransient
	}
	return fmt.Errorf("gitrepo: lfs: status %d: %w", code, err)
}

// withoutURL is err without the address, which may hold a signature (I7).
func withoutURL(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// checked reads a file and compares it with its pointer.
type checked struct {
	io.ReadCloser
	sum  hash.Hash
	n    int64
	want pointer
}

// Read ends with ErrTransient instead of io.EOF when size or digest are others.
func (c *checked) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n += int64(n)
	_, _ = c.sum.Write(b[:n]) // a hash never fails
	if c.n > c.want.size || errors.Is(err, io.EOF) && (c.n != c.want.size || domain.Digest(c.sum.Sum(nil)) != c.want.oid) {
		return 0, fmt.Errorf("gitrepo: lfs: the server gives another file: %w", domain.ErrTransient)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("gitrepo: lfs: %w: %w", domain.ErrTransient, err)
	}
	return n, err
}
