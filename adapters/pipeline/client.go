package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// DefaultTimeout is how long a neighbour may take to answer.
	DefaultTimeout = time.Minute
	maxAnswer      = 8 << 20 // bytes of an answer that is read
	maxErrorText   = 1 << 10 // bytes of an error that is kept
	maxLater       = time.Hour
)

// HeaderKey carries the idempotency key.
const HeaderKey = "Idempotency-Key"

// A Client asks one neighbour over HTTP. It may be used concurrently.
type Client struct {
	URL     string            // of the neighbour, without a path of its API; with the login that it asks for
	HTTP    *http.Client      // as HTTPClient makes them
	Timeout time.Duration     // of one request; 0: DefaultTimeout
	Header  map[string]string // sent with each request
}

// A StatusError is an answer other than a success.
type StatusError struct {
	Status int
	Text   string // the first KiB of the body, one line, without control characters
}

func (e *StatusError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("answered %d", e.Status)
	}
	return fmt.Sprintf("answered %d: %s", e.Status, e.Text)
}

// An UnreadableError is a success whose body came as a whole and makes no sense. One that
// is cut off is a lost answer.
type UnreadableError struct{ Err error }

func (e *UnreadableError) Error() string { return e.Err.Error() }

// Unwrap gives what is wrong with the body.
func (e *UnreadableError) Unwrap() error { return e.Err }

// PostJSON posts the JSON of in to path and decodes a 2xx answer into out, unless
// out is nil. key is the idempotency key; empty: none.
//
// The error of an answer that another try would get again ([ErrFinal]) wraps a
// *StatusError. All else is trouble: 408, 425, 429 and 5xx, with Retry-After as a
// [LaterError]; 401, 403, 404, 410 and redirects too, since they say that the
// neighbour is not set up, not that an item is bad; no answer, or a success that
// is cut off or cannot be read (*[UnreadableError]).
func (c *Client) PostJSON(ctx context.Context, path, key string, in, out any) error {
	body, err := Encode(in)
	if err != nil {
		return Final(err)
	}
	return c.Post(ctx, Request{Path: path, Key: key, Type: "application/json", Body: body}, out)
}

// Encode gives the JSON that PostJSON sends: its length is what the caps of a
// neighbour count.
func Encode(in any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(in); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// A Request is one POST.
type Request struct {
	Path   string // below the URL
	Key    string // the idempotency key; empty: none
	Type   string // Content-Type
	Body   []byte
	Header http.Header // its own, with names as http.CanonicalHeaderKey makes them; Post may add to it
}

// Post is PostJSON for a body that is encoded already.
func (c *Client) Post(ctx context.Context, r Request, out any) error {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	req, err := c.request(ctx, strings.TrimSuffix(c.URL, "/")+r.Path, r.Body)
	if err != nil {
		return err
	}
	if r.Header != nil {
		req.Header = r.Header
	}
	for k, v := range c.Header {
		req.Header.Set(k, v)
	}
	values := [...]string{r.Type, r.Key} // share memory
	req.Header["Content-Type"] = values[0:1:1]
	if r.Key != "" {
		req.Header[HeaderKey] = values[1:2:2]
	}
	if u := req.URL.User; u != nil && req.Header.Get("Authorization") == "" {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	resp, end, err := c.ask(req, timeout)
	defer end()
	if err != nil {
		return fmt.Errorf("ask %s: %w", req.URL.Redacted(), err)
	}
	defer func() { _ = resp.Body.Close() }() // what was read counts
	if resp.StatusCode/100 != 2 {
		return refused(resp, refusal(resp))
	}
	return decode(resp.Body, out)
}

// request makes a POST to an address, which is read once where many go to the same.
func (c *Client) request(ctx context.Context, to string, body []byte) (*http.Request, error) {
	d, ok := c.HTTP.Transport.(*direct)
	if !ok {
		return http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	}
	u, err := d.read(to)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.URL, req.Host = u, u.Host
	return req, nil
}

// ask sends req. The answer may be read until end, or until the timeout. No redirect is
// followed and no cookie kept, which is what http.Client.Do is for.
func (c *Client) ask(req *http.Request, timeout time.Duration) (resp *http.Response, end func(), err error) {
	if d, ok := c.HTTP.Transport.(*direct); ok && d.suits(req) {
		resp, err = d.ask(req, time.Now().Add(timeout)) //nolint:forbidigo // the system's clock ends what waits for a socket
		return resp, func() {}, err
	}
	ctx, end := context.WithTimeout(req.Context(), timeout)
	var t tracer
	resp, err = c.HTTP.Transport.RoundTrip(req.WithContext(t.follow(ctx)))
	if t.again.Load() {
		resp, err = twice(ctx, resp, err)
	}
	return resp, end, err
}

// HTTPClient makes a client that keeps so many connections to its neighbour and
// follows no redirect: what answers there is not who was asked.
func HTTPClient(connections int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	t.MaxIdleConnsPerHost, t.MaxIdleConns = connections, connections
	return &http.Client{
		Transport:     newDirect(t),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// decode reads an answer to its end, so that the connection is used again.
func decode(body io.Reader, out any) error {
	if out == nil {
		if body == http.NoBody {
			return nil
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(body, maxErrorText)) // the status was the answer
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the answer: %w", err)
	case len(data) > maxAnswer:
		return &UnreadableError{fmt.Errorf("answer of more than %d bytes", maxAnswer)}
	}
	if err := json.Unmarshal(data, out); err != nil {
		return &UnreadableError{fmt.Errorf("answer: %w", err)}
	}
	return nil
}

// refusal is what an answer other than a success means.
func refusal(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorText)) // what came is enough to tell
	status := &StatusError{Status: resp.StatusCode, Text: line(text)}
	if finalStatus(resp.StatusCode) {
		return Final(status)
	}
	if wait := retryAfter(resp.Header); wait > 0 {
		return &LaterError{After: wait, Err: status}
	}
	return status
}

// finalStatus tells whether an answer is about what was sent. The others are
// about the neighbour, or about how it is set up.
func finalStatus(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusRequestTimeout,
		http.StatusGone, http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status/100 == 4
}

// retryAfter reads both forms of Retry-After (RFC 9110, 10.2.3). A date counts from
// the neighbour's own.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(time.Duration(max(seconds, 0))*time.Second, maxLater)
	}
	at, err := http.ParseTime(text)
	now, unknown := http.ParseTime(h.Get("Date"))
	if err != nil || unknown != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxLater)
}

// line makes bounded text of whatever a neighbour said.
func line(text []byte) string {
	return strings.Join(strings.Fields(domain.Clean(string(text))), " ")
}
