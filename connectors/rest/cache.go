package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/confuse/data-connector/domain"
)

// maxEntries is the most answers that one cache remembers. A caller remembers the
// first page of a few lists; who has more than this does something else.
const maxEntries = 256

// A cache remembers answers of one credential in a folder. Whatever is wrong with
// it costs a call, never an answer.
type cache struct {
	folder string
	owner  string // digest of the credential: another one sees other entries
	clock  domain.Clock
	ttl    time.Duration
	most   int64 // bytes of an answer
}

// An entry is one answer with its validators.
type entry struct {
	Kept   time.Time   `json:"kept"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// FromCache reports whether an answer is one that has not changed since it was
// remembered.
func FromCache(resp *http.Response) bool { return resp.Header.Get(unchanged) != "" }

const unchanged = "X-Unchanged"

func (c cache) path(req *http.Request) string {
	sum := sha256.Sum256([]byte(c.owner + "\n" + req.URL.String() + "\n" + req.Header.Get("Accept")))
	return filepath.Join(c.folder, hex.EncodeToString(sum[:])+".json")
}

// load finds what is remembered; nil when there is nothing, or when it is so old
// that a validator which the provider got wrong must not live on.
func (c cache) load(req *http.Request) *entry {
	if c.folder == "" {
		return nil
	}
	b, err := os.ReadFile(c.path(req))
	if err != nil {
		return nil
	}
	var e entry
	age := func() time.Duration { return c.clock.Now().Sub(e.Kept) }
	if json.Unmarshal(b, &e) != nil || age() < 0 || age() > c.ttl {
		return nil
	}
	return &e
}

// ask makes a request conditional.
func (e *entry) ask(req *http.Request) {
	if e == nil {
		return
	}
	if tag := e.Header.Get("ETag"); tag != "" {
		req.Header.Set("If-None-Match", tag)
		return
	}
	req.Header.Set("If-Modified-Since", e.Header.Get("Last-Modified"))
}

// response is e as an answer to req, with the limits that came with fresh.
func (e *entry) response(req *http.Request, fresh *http.Response) *http.Response {
	h := e.Header.Clone()
	for name, values := range fresh.Header {
		h[name] = values
	}
	h.Set(unchanged, "1")
	h.Set("Content-Length", strconv.Itoa(len(e.Body)))
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: fresh.Proto, ProtoMajor: fresh.ProtoMajor, ProtoMinor: fresh.ProtoMinor,
		Header: h, Body: io.NopCloser(bytes.NewReader(e.Body)), ContentLength: int64(len(e.Body)), Request: req,
	}
}

// keep reads the answer whole and remembers it, when it has a validator. An
// answer that breaks off is not remembered.
func (c cache) keep(req *http.Request, resp *http.Response) (*http.Response, error) {
	if c.folder == "" || resp.Header.Get("ETag") == "" && resp.Header.Get("Last-Modified") == "" {
		return resp, nil
	}
	b, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	h := http.Header{}
	for _, name := range []string{"ETag", "Last-Modified", "Link", "Content-Type"} {
		if v := resp.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	c.write(c.path(req), entry{Kept: c.clock.Now(), Header: h, Body: b})
	return resp, nil
}

// write puts an entry in place as a whole, or not at all.
func (c cache) write(path string, e entry) {
	b, err := json.Marshal(e)
	if err != nil || os.MkdirAll(c.folder, 0o700) != nil {
		return
	}
	if old, err := os.ReadDir(c.folder); err == nil && len(old) >= maxEntries {
		for _, o := range old {
			_ = os.Remove(filepath.Join(c.folder, o.Name())) // it is asked for again
		}
	}
	f, err := os.CreateTemp(c.folder, "new-*")
	if err != nil {
		return
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what is left is overwritten with the folder
	}
}
