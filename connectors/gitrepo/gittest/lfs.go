package gittest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A Store holds the files behind LFS pointers at another host than the server, as
// forges do. It may be used concurrently.
type Store struct {
	t   testing.TB
	web *httptest.Server

	mu     sync.Mutex
	files  map[string]string // by oid, 64 hex digits
	status int
	stalls int // how much of a file is given, before nothing more comes; 0: all
	shown  []http.Header
}

// NewStore makes one for all repositories of s.
func (s *Server) NewStore() *Store {
	s.t.Helper()
	l := &Store{t: s.t, files: map[string]string{}}
	l.web = httptest.NewServer(http.HandlerFunc(l.give))
	s.t.Cleanup(l.web.Close)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = l
	return l
}

// PointerTo is a pointer file as git-lfs writes it, to a file that a Store need not
// hold.
func PointerTo(content string) string {
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oidOf(content), len(content))
}

func oidOf(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

// Put stores a file and gives the pointer to it.
func (l *Store) Put(content string) (pointer string) {
	l.Swap(content, content)
	return PointerTo(content)
}

// Swap gives another content to who asks for one.
func (l *Store) Swap(content, other string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files[oidOf(content)] = other
}

// Fail answers with a status from now on; 0: it is well again.
func (l *Store) Fail(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

// Stall gives so many bytes of each file from now on, and then nothing more; 0: all.
func (l *Store) Stall(after int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalls = after
}

// Shown are the headers of those who came for a file, since the last call.
func (l *Store) Shown() []http.Header {
	l.mu.Lock()
	defer l.mu.Unlock()
	shown := l.shown
	l.shown = nil
	return shown
}

// The header that opens a file, in the answer to a batch (git-lfs docs/api/batch.md).
const opens = "RemoteAuth once"

// batch says where files are.
func (l *Store) batch(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Operation string
		Objects   []struct {
			OID  string
			Size int64
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || ask.Operation != "download" || len(ask.Objects) != 1 || r.Header.Get("Accept") != "application/vnd.git-lfs+json" {
		l.t.Errorf("got %+v, %v", ask, err)
		return
	}
	l.mu.Lock()
	_, ok := l.files[ask.Objects[0].OID]
	l.mu.Unlock()
	if !ok {
		_, _ = fmt.Fprintf(w, `{"objects":[{"oid":%q,"error":{"code":404,"message":"not there"}}]}`, ask.Objects[0].OID)
		return
	}
	_, _ = fmt.Fprintf(w, `{"transfer":"basic","objects":[{"oid":%q,"size":%d,"actions":{"download":{"href":"%s/%s","header":{"Authorization":%q}}}}]}`,
		ask.Objects[0].OID, ask.Objects[0].Size, l.web.URL, ask.Objects[0].OID, opens)
}

func (l *Store) give(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.shown = append(l.shown, r.Header.Clone())
	file, status, stalls := l.files[strings.TrimPrefix(r.URL.Path, "/")], l.status, l.stalls
	l.mu.Unlock()
	if r.Header.Get("Authorization") != opens {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	if stalls == 0 {
		_, _ = io.WriteString(w, file) // to a client that may be gone
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(file)))
	_, _ = io.WriteString(w, file[:stalls])
	_ = http.NewResponseController(w).Flush() // what it flushes is looked at by the client
	<-r.Context().Done()
}
