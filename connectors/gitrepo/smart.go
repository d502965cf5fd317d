package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// The media types of a list of refs (git's gitprotocol-http), and the most bytes
// that one may have for each ref allowed.
const (
	askType    = "application/x-git-upload-pack-request"
	answerType = "application/x-git-upload-pack-result"
	maxRefLine = 1 << 10
)

// errNotSmart is an answer that git should look at: another protocol, or none.
var errNotSmart = errors.New("no answer of the smart protocol, version 2")

// smart lists refs with one request and no run of git. errNotSmart: git has to be
// asked instead.
func (c *Client) smart(ctx context.Context, remote Remote, names []string) (refList, error) {
	u, err := c.parseURL(remote.URL)
	if err != nil || c.opt.HTTP == nil {
		return refList{}, errNotSmart
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opt.Timeout, fmt.Errorf("gitrepo: ask for refs: %w: %w", domain.ErrTransient, errTimeout)) // a body may come a byte at a time
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(u.String(), "/")+"/git-upload-pack", bytes.NewReader(lsRefs(names)))
	if err != nil {
		return refList{}, errNotSmart
	}
	req.Header.Set("Content-Type", askType)
	req.Header.Set("Accept", answerType)
	req.Header.Set("Git-Protocol", "version=2")
	req.Header.Set("User-Agent", "git/data-connector") // some forges answer browsers on the same paths
	if remote.Auth != nil {
		auth, err := remote.Auth(ctx)
		if err != nil {
			return refList{}, err
		}
		req.SetBasicAuth(auth.Username, string(auth.Password))
	}
	once := *c.opt.HTTP
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := once.Do(req)
	if err != nil {
		return refList{}, first(context.Cause(ctx), fmt.Errorf("gitrepo: ask for refs: %w: %w", domain.ErrTransient, withoutURL(err)))
	}
	defer func() { _ = res.Body.Close() }() // it was read
	switch res.StatusCode {
	case http.StatusOK:
		return c.readSmart(res)
	case http.StatusUnauthorized:
		return refList{}, fmt.Errorf("gitrepo: ask for refs: %w", domain.ErrUnauthorized)
	case http.StatusTooManyRequests:
		return refList{}, fmt.Errorf("gitrepo: ask for refs: %w", &domain.RateLimitedError{Until: c.until(res.Header.Get("Retry-After"))})
	}
	return refList{}, errNotSmart
}

// until is when a server wants to be asked again, within a day.
func (c *Client) until(after string) time.Time {
	now := c.opt.Clock.Now()
	if seconds, err := strconv.Atoi(after); err == nil && seconds >= 0 {
		return now.Add(min(time.Duration(seconds)*time.Second, 24*time.Hour))
	}
	if at, err := http.ParseTime(after); err == nil && at.After(now) && at.Before(now.Add(24*time.Hour)) {
		return at
	}
	return now.Add(limitedFor)
}

// lsRefs is the request for refs, and for nothing but their names where there are
// some.
func lsRefs(names []string) []byte {
	var b bytes.Buffer
	line := func(s string) { fmt.Fprintf(&b, "%04x%s\n", len(s)+5, s) }
	line("command=ls-refs")
	b.WriteString("0001")
	line("peel")
	line("symrefs")
	for _, name := range names {
		if !strings.HasSuffix(name, "^{}") {
			line("ref-prefix " + name)
		}
	}
	b.WriteString("0000")
	return b.Bytes()
}

func (c *Client) readSmart(res *http.Response) (refList, error) {
	l := refList{ids: map[string]string{}, symbols: map[string]string{}, smart: true}
	if res.Header.Get("Content-Type") != answerType {
		return refList{}, errNotSmart
	}
	body := io.LimitReader(res.Body, int64(c.opt.MaxRefs+1)*maxRefLine)
	for n := 0; ; n++ {
		line, err := packet(body)
		switch {
		case err != nil && n == 0: // so a repository of SHA-256 answers who does not know that it is one
			return refList{}, errNotSmart
		case err != nil:
			return refList{}, fmt.Errorf("gitrepo: ask for refs: %w: %w", domain.ErrTransient, err)
		case line == "":
			return l, nil
		case n >= c.opt.MaxRefs:
			return refList{}, fmt.Errorf("gitrepo: ask for refs: more than %d refs: %w", c.opt.MaxRefs, domain.ErrTooLarge)
		}
		if err := l.add(line); err != nil {
			return refList{}, err
		}
	}
}

// add takes one line: "id name symref-target:name peeled:id".
func (l refList) add(line string) error {
	fields := strings.Fields(line)
	if len(fields) < 2 || !isID(fields[0]) {
		return errNotSmart
	}
	name := fields[1]
	l.ids[name] = fields[0]
	for _, attribute := range fields[2:] {
		if to, ok := strings.CutPrefix(attribute, "symref-target:"); ok {
			l.symbols[name] = to
		} else if id, ok := strings.CutPrefix(attribute, "peeled:"); ok && isID(id) {
			l.ids[name+"^{}"] = id
		}
	}
	return nil
}

// packet reads one pkt-line, without its newline; empty: the end.
func packet(r io.Reader) (string, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	size, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil || size > 0 && size <= 4 {
		return "", first(err, errNotSmart)
	}
	if size == 0 {
		return "", nil
	}
	line := make([]byte, size-4)
	if _, err := io.ReadFull(r, line); err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(line), "\n"), nil
}
