package blob_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// pageSize makes every list longer than one page.
const pageSize = 2

// A shelf is what a server of this test program keeps.
type shelf struct {
	mu      sync.Mutex
	objects map[string]laid
	parts   map[string][]byte // of uploads that are not done
}

type laid struct {
	content []byte
	when    time.Time
}

func newShelf() *shelf { return &shelf{objects: map[string]laid{}, parts: map[string][]byte{}} }

func (s *shelf) put(name string, content []byte) laid {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := laid{content: content, when: time.Now().UTC()}
	s.objects[name] = o
	return o
}

func (s *shelf) get(name string) (laid, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[name]
	return o, ok
}

func (s *shelf) drop(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.objects[name]
	delete(s.objects, name)
	return ok
}

// page gives what begins with prefix behind the name after. more: there is more.
func (s *shelf) page(prefix, after string) (names []string, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(name, prefix) || name <= after {
			continue
		}
		if len(names) == pageSize {
			return names, true
		}
		names = append(names, name)
	}
	return names, false
}

// part adds to an upload, and gives all of it so far.
func (s *shelf) part(upload string, content []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[upload] = append(s.parts[upload], content...)
	return s.parts[upload]
}

// send answers with the content of o or the range of it that was asked for.
func (o laid) send(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", o.when, bytes.NewReader(o.content))
}

// s3Key is the key that the server of S3 wants to see.
const s3Key = "KEYOFTHISTEST"

// serveClouds starts the servers of Google and Azure, and tells the libraries of
// all clouds in the environment where they are and what their keys are. Those look
// once in the life of a process, so that all tests share them. It starts none
// where the environment is that of a real server.
func serveClouds() (stop func(), err error) {
	if os.Getenv(bucketVariable) != "" {
		return func() {}, nil
	}
	google, azure := httptest.NewServer(newGoogle()), httptest.NewServer(newAzure())
	for name, value := range map[string]string{
		"STORAGE_EMULATOR_HOST":           strings.TrimPrefix(google.URL, "http://"),
		"AZURE_STORAGE_ACCOUNT":           azureAccount,
		"AZURE_STORAGE_KEY":               azureKey,
		"AZURE_STORAGE_DOMAIN":            strings.TrimPrefix(azure.URL, "http://"),
		"AZURE_STORAGE_PROTOCOL":          "http",
		"AZURE_STORAGE_IS_LOCAL_EMULATOR": "true",
		"AWS_ACCESS_KEY_ID":               s3Key,
		"AWS_SECRET_ACCESS_KEY":           "the secret of this test",
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	return func() { google.Close(); azure.Close() }, nil
}

// needEmulators skips a test of servers that fail in a way of their own.
func needEmulators(t *testing.T) {
	t.Helper()
	if address := os.Getenv(bucketVariable); address != "" {
		t.Skip("the environment is that of the server at " + address + ", not of the emulators")
	}
}

// signedOnly lets pass what is signed by the key of the environment.
func signedOnly(next http.Handler) http.Handler {
	if os.Getenv(bucketVariable) != "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), " Credential="+s3Key+"/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
