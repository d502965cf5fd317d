package gittest

import (
	"bytes"
	"crypto/subtle"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// A Server serves repositories at URL + "/" + name + ".git". It may be used
// concurrently.
type Server struct {
	URL string // http://127.0.0.1:port

	t       testing.TB
	root    string
	backend http.Handler

	mu       sync.Mutex
	user     string
	password string
	also     map[string]http.Handler // by prefix of the path
	store    *Store                  // of LFS; nil: there is none
	faults   []Fault
	requests []Request
}

// A Request is one that the server was asked.
type Request struct {
	Method string
	Path   string
	Query  string
	Header http.Header
}

// NewServer starts a server that ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatalf("git is needed: %v", err)
	}
	s := &Server{t: t, root: t.TempDir(), also: map[string]http.Handler{}}
	s.backend = &cgi.Handler{
		Path: git, Args: []string{"http-backend"},
		Env:    append(environment(), "GIT_PROJECT_ROOT="+s.root, "GIT_HTTP_EXPORT_ALL=1"),
		Stderr: io.Discard,
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// Protect asks for a password from now on, of every request.
func (s *Server) Protect(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.password = user, password
}

// Handle serves paths that begin with prefix by something else: an API, LFS.
func (s *Server) Handle(prefix string, h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.also[prefix] = h
}

// Requests are the requests since the last call. A push is among them.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.requests
	s.requests = nil
	return seen
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	if f, ok := s.fault(r); ok {
		f.serve(w, r, s.handler(r))
		return
	}
	s.handler(r).ServeHTTP(w, r)
}

// allowed counts a request and looks at its password.
func (s *Server) allowed(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()})
	if s.password == "" {
		return true
	}
	user, password, _ := r.BasicAuth()
	return user == s.user && subtle.ConstantTimeCompare([]byte(password), []byte(s.password)) == 1
}

func (s *Server) handler(r *http.Request) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store != nil && strings.HasSuffix(r.URL.Path, "/info/lfs/objects/batch") {
		return http.HandlerFunc(s.store.batch)
	}
	for prefix, h := range s.also {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return h
		}
	}
	return http.HandlerFunc(s.git)
}

// git hands a request to git. CGI takes no chunked bodies.
func (s *Server) git(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	s.backend.ServeHTTP(w, r)
}
