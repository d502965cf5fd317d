package pipeline

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// smallBody is how many bytes of a body a socket takes at once, whether its other
// end reads or answers first.
const smallBody = 16 << 10

// A direct is http.RoundTripper for small requests to neighbours over plain HTTP:
// who asks writes and reads by itself, where http.Transport hands each request to
// one goroutine and takes its answer from another. All else it leaves to
// http.Transport: TLS, proxies, what may take long to send, and systems on which it
// cannot tell whether something came on a connection that nobody used.
type direct struct {
	*http.Transport

	mu    sync.Mutex
	hosts map[string]*idle

	last atomic.Pointer[parsed]
}

// A parsed is a URL as it was given and as it was read. Many are the same.
type parsed struct {
	text string
	url  *url.URL // is not to be changed
}

// read parses text, unless it is that of the last time.
func (d *direct) read(text string) (*url.URL, error) {
	if last := d.last.Load(); last != nil && last.text == text {
		return last.url, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	u.Host = strings.TrimSuffix(u.Host, ":") // a port that is not said
	d.last.Store(&parsed{text, u})
	return u, nil
}

func newDirect(t *http.Transport) *direct {
	return &direct{Transport: t, hosts: make(map[string]*idle)}
}

// RoundTrip implements http.RoundTripper. Like http.Transport it asks a second time
// when a connection turns out to have been closed while nobody used it, if the
// request has an idempotency key.
func (d *direct) RoundTrip(req *http.Request) (*http.Response, error) {
	if !d.suits(req) {
		return d.Transport.RoundTrip(req)
	}
	return d.ask(req, time.Time{})
}

// ask is RoundTrip for what suits. It ends at a time, which takes no timer and no
// context of its own; zero: at none.
func (d *direct) ask(req *http.Request, until time.Time) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		_ = req.Body.Close() // was not read
		return nil, err
	}
	host, before := d.host(req.URL.Host), false
	if c := host.take(); c != nil {
		resp, err := c.ask(req, until)
		if err == nil || c.answered || errors.Is(err, context.DeadlineExceeded) || req.Context().Err() != nil || req.Header.Get(HeaderKey) == "" {
			return resp, err
		}
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body, before = body, c.sent
	}
	resp, err := d.askAnew(req, host, until)
	if before {
		return twice(req.Context(), resp, err)
	}
	return resp, err
}

// askAnew is ask on a connection of its own.
func (d *direct) askAnew(req *http.Request, host *idle, until time.Time) (*http.Response, error) {
	to, err := d.dial(req, until)
	if err != nil {
		_ = req.Body.Close() // was not read
		return nil, err
	}
	return newConn(to, host).ask(req, until)
}

func (d *direct) dial(req *http.Request, until time.Time) (net.Conn, error) {
	ctx := req.Context()
	if !until.IsZero() {
		bounded, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		ctx = bounded
	}
	return d.DialContext(ctx, "tcp", address(req.URL.Host))
}

// CloseIdleConnections closes what nobody uses.
func (d *direct) CloseIdleConnections() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, host := range d.hosts {
		host.clear()
	}
	d.Transport.CloseIdleConnections()
}

func (d *direct) suits(req *http.Request) bool {
	if !canTell || req.URL.Scheme != "http" || req.Method != http.MethodPost || req.Close || req.GetBody == nil ||
		req.ContentLength <= 0 || req.ContentLength > smallBody || !isPlain(req) {
		return false
	}
	if d.Proxy == nil {
		return true
	}
	proxy, err := d.Proxy(req)
	return err == nil && proxy == nil
}

// isPlain tells whether a request says whom it asks as it stands there: no name that
// needs to be encoded, no zone of an address, no host but the one of the URL, and that. Its
// headers are written as they are.
func isPlain(req *http.Request) bool {
	host := req.URL.Host
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c >= 0x7f || c == '%' {
			return false
		}
	}
	for name, values := range req.Header {
		if !isName(name) || slices.ContainsFunc(values, isOddValue) {
			return false
		}
	}
	return host != "" && req.Host == host && req.Header.Get("Host") == "" && req.Header.Get("Content-Length") == "" && len(req.TransferEncoding) == 0
}

func isName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name != ""
}

// isOddValue tells whether the value of a header must be judged or changed: it could end
// the header, or has space around it.
func isOddValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c >= 0x7f {
			return true
		}
	}
	n := len(value)
	return n > 0 && (value[0] == ' ' || value[n-1] == ' ')
}

func address(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return host + ":80"
}

func (d *direct) host(name string) *idle {
	d.mu.Lock()
	defer d.mu.Unlock()
	host := d.hosts[name]
	if host == nil {
		host = &idle{most: d.MaxIdleConnsPerHost}
		d.hosts[name] = host
	}
	return host
}
