package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
)

// big is a text of several chunks and a bit.
var big = strings.Repeat("0123456789abcdef", 3*64<<10/16) + "the end"

func contentPath(id domain.FileID) string { return "/files/" + id.String() + "/content" }

func etag(text string) string {
	return `"` + domain.Digest(sha256.Sum256([]byte(text))).String() + `"`
}

func TestContent(t *testing.T) {
	t.Parallel()

	size := strconv.Itoa(len(readmeText)) // 8
	tests := map[string]struct {
		method string
		header []string
		status int
		body   string
		want   []string // header name, value
	}{
		"whole":               {"GET", nil, 200, readmeText, []string{"Content-Length", size, "ETag", etag(readmeText), "Accept-Ranges", "bytes"}},
		"head":                {"HEAD", nil, 200, "", []string{"Content-Length", size, "ETag", etag(readmeText)}},
		"not modified":        {"GET", []string{"If-None-Match", `"x", W/` + etag(readmeText)}, 304, "", []string{"ETag", etag(readmeText), "Content-Length", ""}},
		"any version":         {"HEAD", []string{"If-None-Match", "*"}, 304, "", nil},
		"modified":            {"GET", []string{"If-None-Match", `"other"`}, 200, readmeText, nil},
		"first bytes":         {"GET", []string{"Range", "bytes=0-1"}, 206, "# ", []string{"Content-Range", "bytes 0-1/8", "Content-Length", "2"}},
		"middle":              {"GET", []string{"Range", "bytes=2-5"}, 206, "hell", []string{"Content-Range", "bytes 2-5/8"}},
		"to the end":          {"GET", []string{"Range", "bytes=6-"}, 206, "o\n", []string{"Content-Range", "bytes 6-7/8"}},
		"beyond the end":      {"GET", []string{"Range", "bytes=6-100"}, 206, "o\n", []string{"Content-Range", "bytes 6-7/8"}},
		"last bytes":          {"GET", []string{"Range", "bytes=-3"}, 206, "lo\n", []string{"Content-Range", "bytes 5-7/8"}},
		"more than all":       {"GET", []string{"Range", "bytes=-100"}, 206, readmeText, []string{"Content-Range", "bytes 0-7/8"}},
		"head of a range":     {"HEAD", []string{"Range", "bytes=2-5"}, 206, "", []string{"Content-Length", "4"}},
		"if still the same":   {"GET", []string{"Range", "bytes=0-1", "If-Range", etag(readmeText)}, 206, "# ", nil},
		"no longer the same":  {"GET", []string{"Range", "bytes=0-1", "If-Range", `"other"`}, 200, readmeText, nil},
		"several ranges":      {"GET", []string{"Range", "bytes=0-1,3-4"}, 200, readmeText, nil},
		"other unit":          {"GET", []string{"Range", "lines=1-2"}, 200, readmeText, nil},
		"no range":            {"GET", []string{"Range", "bytes=x-y"}, 200, readmeText, nil},
		"backwards":           {"GET", []string{"Range", "bytes=5-2"}, 200, readmeText, nil},
		"a sign is no digit":  {"GET", []string{"Range", "bytes=+1-2"}, 200, readmeText, nil},
		"more than an offset": {"GET", []string{"Range", "bytes=0-99999999999999999999"}, 200, readmeText, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := call(t, httpapi.New(parts(newWorld())), tt.method, contentPath(readme), "", tt.header...)
			if body := string(r.Body); r.StatusCode != tt.status || body != tt.body {
				t.Errorf("got %d %q, want %d %q", r.StatusCode, body, tt.status, tt.body)
			}
			for i := 0; i+1 < len(tt.want); i += 2 {
				if got := r.Header.Get(tt.want[i]); got != tt.want[i+1] {
					t.Errorf("got %s %q, want %q", tt.want[i], got, tt.want[i+1])
				}
			}
		})
	}
}

func TestContentOutsideOfItsRange(t *testing.T) {
	t.Parallel()

	for _, spec := range []string{"bytes=8-", "bytes=8-9", "bytes=-0", "bytes=100-200"} {
		r := call(t, httpapi.New(parts(newWorld())), "GET", contentPath(readme), "", "Range", spec)
		wantProblem(t, wantRefusal(t, r, 416, "RANGE_NOT_SATISFIABLE"), "Range")
		if got := r.Header.Get("Content-Range"); got != "bytes */8" {
			t.Errorf("%s: got Content-Range %q", spec, got)
		}
	}
}

func TestContentOfEmptyFile(t *testing.T) {
	t.Parallel()

	w := newWorld()
	empty := domain.FileID(newSource)
	w.addFile("ann", annSource, empty, "empty", "")
	r := call(t, httpapi.New(parts(w)), "GET", contentPath(empty), "")
	if r.StatusCode != 200 || r.Header.Get("Content-Length") != "0" || r.Header.Get("ETag") != etag("") {
		t.Errorf("got %d %v", r.StatusCode, r.Header)
	}
	wantRefusal(t, call(t, httpapi.New(parts(w)), "GET", contentPath(empty), "", "Range", "bytes=0-"), 416, "RANGE_NOT_SATISFIABLE")
}

// What strangers wrote is never run by a browser that shows it.
func TestContentIsNeverActive(t *testing.T) {
	t.Parallel()

	for given, want := range map[string]string{
		"text/html; charset=utf-8": "text/html; charset=utf-8", "": "application/octet-stream", "text/html\r\nX-Evil: 1": "application/octet-stream",
	} {
		w := newWorld()
		w.files[0].MediaType, w.files[0].Path = given, "docs/a\"b\r\nü.html"
		r := call(t, httpapi.New(parts(w)), "GET", contentPath(readme), "")
		for name, value := range map[string]string{
			"Content-Type": want, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'", "X-Evil": "",
			"Content-Disposition": "attachment; filename*=utf-8''a%22b%0D%0A%C3%BC.html",
		} {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%q: got %s %q, want %q", given, name, got, value)
			}
		}
	}
}

func TestContentThatIsNotThere(t *testing.T) {
	t.Parallel()

	w, lost := newWorld(), make(chan domain.FileID, 1)
	p := parts(w)
	p.Lost = func(_ context.Context, _ domain.SourceID, file domain.FileID) error {
		lost <- file
		return nil
	}
	api := httpapi.New(p)
	wantRefusal(t, call(t, api, "GET", contentPath(link), ""), 404, "NO_CONTENT")
	clear(w.contents)
	wantRefusal(t, call(t, api, "GET", contentPath(readme), ""), 502, "CONTENT_LOST")
	if got := <-lost; got != readme {
		t.Errorf("got file %s reported, want %s", got, readme)
	}
}

// A small damaged file is found out before its first byte is sent.
func TestSmallDamagedContentIsRefused(t *testing.T) {
	t.Parallel()

	for _, spec := range []string{"", "bytes=0-1", "bytes=-2"} {
		w := newWorld()
		w.contents[w.files[0].Content.SHA256] = "# hellO\n"
		r := call(t, httpapi.New(parts(w)), "GET", contentPath(readme), "", "Range", spec)
		wantRefusal(t, r, 502, "CONTENT_LOST")
		for _, never := range []string{"ETag", "Content-Range", "Content-Disposition", "Accept-Ranges"} {
			if got := r.Header.Get(never); got != "" {
				t.Errorf("got %s %q with an error", never, got)
			}
		}
	}
}

// A large one breaks off: over a real connection the client sees that, whatever
// it asked for and wherever the damage is.
func TestLargeDamagedContentBreaksOff(t *testing.T) {
	t.Parallel()

	flipped := big[:len(big)-1] + "D"
	tests := map[string]struct{ stored, spec string }{
		"last byte flipped":      {flipped, ""},
		"first byte flipped":     {"X" + big[1:], ""},
		"shorter":                {big[:len(big)-1], ""},
		"longer":                 {big + "x", ""},
		"much shorter":           {big[:100_000], ""},
		"damaged behind a range": {flipped, "bytes=0-150000"},
		"shorter than the range": {big[:50_000], "bytes=100000-180000"},
		"whole chunks":           {flipped, "bytes=0-131071"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			w.addFile("ann", annSource, domain.FileID(newSource), "big", big)
			w.contents[domain.Digest(sha256.Sum256([]byte(big)))] = tt.stored
			status, body, err := fetch(t, httpapi.New(parts(w)), contentPath(domain.FileID(newSource)), tt.spec)
			if err == nil && status < 300 {
				t.Errorf("got a complete body of %d bytes with status %d", len(body), status)
			}
		})
	}
}

func TestLargeContentIsWhole(t *testing.T) {
	t.Parallel()

	w := newWorld()
	w.addFile("ann", annSource, domain.FileID(newSource), "big", big)
	api := httpapi.New(parts(w))
	for spec, want := range map[string]string{
		"": big, "bytes=65535-65536": big[65535:65537], "bytes=0-65535": big[:65536], "bytes=1-131072": big[1:131073], "bytes=-7": "the end",
	} {
		_, body, err := fetch(t, api, contentPath(domain.FileID(newSource)), spec)
		if err != nil || !bytes.Equal(body, []byte(want)) {
			t.Errorf("%q: got %d bytes, %v; want %d", spec, len(body), err, len(want))
		}
	}
}

// fetch asks over a real connection.
func fetch(t *testing.T, h http.Handler, path, spec string) (int, []byte, error) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if spec != "" {
		r.Header.Set("Range", spec)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		return 0, nil, err
	}
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, errors.Join(err, answer.Body.Close())
}
