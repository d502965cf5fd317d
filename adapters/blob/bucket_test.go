package blob_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"gocloud.dev/blob/memblob"

	"github.com/confuse/data-connector/adapters/blob"
	"github.com/confuse/data-connector/domain"
)

// A store that is not there has lost nothing: no content is fetched again.
func TestMissingStoreIsNotLostContent(t *testing.T) {
	t.Parallel()

	root := filepath.Join(t.TempDir(), "disk")
	folder := open(t, root)
	c := three(t, folder, [3][]byte{})[0]
	if err := os.Rename(root, root+".unmounted"); err != nil {
		t.Fatal(err)
	}
	objects := memblob.OpenBucket(nil)
	bucket := blob.In(objects, blob.System())
	if err := objects.Close(); err != nil {
		t.Fatal(err)
	}
	for where, s := range map[string]*blob.Store{"folder": folder, "bucket": bucket} {
		if _, err := s.Open(t.Context(), c); err == nil || errors.Is(err, domain.ErrContentLost) {
			t.Errorf("%s: got error %v, want one that is not %v", where, err, domain.ErrContentLost)
		}
		if err := s.Check(t.Context()); err == nil {
			t.Errorf("%s: got no error from the check of a missing store", where)
		}
	}
}

func TestOpenOfBucket(t *testing.T) {
	t.Parallel()

	address := serveS3(t, nil)
	s := must(blob.Open(t.Context(), address("", nil)))(t)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	closed(t, s)
	missing := strings.Replace(address("", nil), "//bucket", "//another", 1)
	if _, err := blob.Open(t.Context(), missing); err == nil || !strings.Contains(err.Error(), "bucket of the content store is missing") {
		t.Errorf("got error %v, want that the bucket is missing", err)
	}
}

// I7: a token may stand in the query of a request.
func TestErrorsHideQueries(t *testing.T) {
	t.Parallel()

	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // nobody answers
	_, err := blob.Open(t.Context(), serveS3(t, nil)("", url.Values{"endpoint": {server.URL}}))
	if err == nil || !strings.Contains(err.Error(), "/bucket?...") || strings.Contains(err.Error(), "list-type") {
		t.Errorf("got error %v, want one with the address and without its query", err)
	}
}

// A full disk has no room for what is staged.
type full struct{ blob.Disk }

func (f full) CreateTemp(dir, pattern string) (blob.File, error) {
	file, err := f.Disk.CreateTemp(dir, pattern)
	return fullFile{file}, err
}

type fullFile struct{ blob.File }

func (fullFile) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A pack is uploaded as a whole or not at all.
func TestFullDiskBeforeABucket(t *testing.T) {
	t.Parallel()

	objects := memblob.OpenBucket(nil)
	s := blob.In(objects, full{blob.System()})
	t.Cleanup(func() { closed(t, s) })
	w := create(t, s, name(0))
	_, kept := w.Keep(stage(t, w, noise(1<<20, 1))) // more than is buffered
	if err := w.Commit(t.Context()); !errors.Is(err, syscall.ENOSPC) || !errors.Is(kept, syscall.ENOSPC) {
		t.Errorf("got error %v from Keep and %v from Commit, want %v", kept, err, syscall.ENOSPC)
	}
	if left := around(s, objects, 1).names(t); len(left) > 0 {
		t.Errorf("got %q, want nothing", left)
	}
}

// A fault is how a server fails that otherwise answers as next does.
type fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

func refused(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.WriteHeader(http.StatusForbidden)
}

// cutOff is a connection that breaks in the middle of an answer.
func cutOff(w http.ResponseWriter, r *http.Request, next http.Handler) {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.Header())
	w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2]) // the client sees what comes
	panic(http.ErrAbortHandler)
}

// breakable is a store in S3, of which one kind of requests fails behind breakIt.
func breakable(t *testing.T, method string, f fault) (s *blob.Store, breakIt func()) {
	t.Helper()
	s, _, breakIt = breakableAt(t, method, f)
	return s, breakIt
}

// breakableAt is breakable with the address of the store.
func breakableAt(t *testing.T, method string, f fault) (s *blob.Store, address string, breakIt func()) {
	t.Helper()
	var now atomic.Bool
	at := serveS3(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if now.Load() && r.Method == method {
				f(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	address = at("", nil)
	s = must(blob.Open(t.Context(), address))(t)
	t.Cleanup(func() { closed(t, s) })
	return s, address, func() { now.Store(true) }
}

// I1: what the cloud did not take goes to no event.
func TestRefusedUpload(t *testing.T) {
	t.Parallel()

	for _, size := range []int{10, 20 << 20} { // in one request, and in parts
		s, breakIt := breakable(t, http.MethodPut, refused)
		breakIt()
		w := create(t, s, name(0))
		c := keep(t, w, noise(size, 1))
		if err := w.Commit(t.Context()); err == nil {
			t.Errorf("%d bytes: got no error from a commit that the cloud refused", size)
		}
		if _, err := s.Open(t.Context(), c); !errors.Is(err, domain.ErrContentLost) {
			t.Errorf("%d bytes: got error %v, want nothing there", size, err)
		}
	}
}

// What breaks off on its way is not lost where it lies.
func TestBrokenDownload(t *testing.T) {
	t.Parallel()

	for what, f := range map[string]fault{"refused": refused, "cut off": cutOff} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()

			s, breakIt := breakable(t, http.MethodGet, f)
			c := three(t, s, [3][]byte{text(100), noise(5000, 1), text(100)})[1]
			wantContent(t, s, c, noise(5000, 1))
			breakIt()
			if _, err := read(t.Context(), s, c); err == nil || errors.Is(err, domain.ErrContentLost) {
				t.Errorf("got error %v, want one that is not %v", err, domain.ErrContentLost)
			}
		})
	}
}
