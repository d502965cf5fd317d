package githubtest

import (
	"crypto/sha256"
	_ "embed" // the recorded objects
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed testdata/recorded.json
var recordedText []byte

// An Object is one of GitHub's, as JSON.
type Object = map[string]any

// A Server is a GitHub with one repository. It may be used concurrently.
type Server struct {
	URL   string // http://127.0.0.1:port: the baseUrl of a source
	Token string // the one that opens it; empty: any, and none

	t   testing.TB
	git http.Handler

	mu       sync.Mutex
	now      time.Time // moves on by a minute with each change
	id       int64
	owner    string
	name     string
	old      map[string]bool // full names that lead here
	gone     bool
	public   bool
	wiki     bool
	issues   map[int]*thread
	pulls    map[int]*thread
	releases map[int64]Object
	talks    map[int]*talk
	hooks    map[int64]Object
	lastID   int64
	calls    []Call
	faults   []*Fault
	minted   int
	apps     map[string]string // installation by token
}

// A thread is an issue or pull request with what belongs to it.
type thread struct {
	object                     Object
	comments, reviews, onLines []Object
}

// A Call is one that the API was asked.
type Call struct {
	Method, Path, Query string
	Status              int
}

// New starts a server whose repository is owner/name; git serves what is no API.
func New(t testing.TB, git http.Handler, owner, name string) *Server {
	t.Helper()
	s := &Server{
		t: t, git: git, id: 1296269, owner: owner, name: name, old: map[string]bool{},
		now: time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC), lastID: 1000,
		issues: map[int]*thread{}, pulls: map[int]*thread{}, releases: map[int64]Object{}, talks: map[int]*talk{},
		hooks: map[int64]Object{}, apps: map[string]string{},
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// recorded is a fresh copy of a recorded object.
func (s *Server) recorded(kind string) Object {
	var all map[string]Object
	if err := json.Unmarshal(recordedText, &all); err != nil || all[kind] == nil {
		s.t.Fatalf("recorded object %q: %v", kind, err)
	}
	return all[kind]
}

// tick moves the time on; the lock is held.
func (s *Server) tick() string {
	s.now = s.now.Add(time.Minute)
	return s.now.Format(time.RFC3339)
}

func (s *Server) nextID() int64 {
	s.lastID++
	return s.lastID
}

// Calls are the calls of the API since the last time.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.calls
	s.calls = nil
	return seen
}

// Rename gives the repository another owner and name. The old ones lead there.
func (s *Server) Rename(owner, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old[s.owner+"/"+s.name] = true
	s.owner, s.name = owner, name
}

// Replace puts another repository under the name: the old one is deleted.
func (s *Server) Replace(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = id
}

// Vanish deletes the repository, or takes access away: GitHub says the same.
func (s *Server) Vanish(gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = gone
}

// Open makes token the one that opens the server from now on.
func (s *Server) Open(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Token = token
}

// ID is the numeric id of the repository.
func (s *Server) ID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Public opens the repository to whoever shows no token.
func (s *Server) Public() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public = true
}

// HasWiki says that the repository has a wiki.
func (s *Server) HasWiki() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wiki = true
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		_, password, _ := r.BasicAuth()
		if !s.allowed(password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.git.ServeHTTP(w, r)
		return
	}
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	switch {
	case strings.HasSuffix(r.URL.Path, "/access_tokens"):
		s.mint(rec, r, token)
	case !s.knows(token):
		rec.refuse(http.StatusUnauthorized, "Bad credentials")
	default:
		s.route(rec, r)
	}
	rec.header.Set("X-RateLimit-Limit", "5000")
	rec.header.Set("X-RateLimit-Remaining", "4900")
	rec.header.Set("X-RateLimit-Reset", strconv.FormatInt(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), 10))
	conditional(rec, r)
	f := s.fault(r)
	status := rec.status
	if f != nil && f.Status != 0 {
		status = f.Status
	}
	s.calls = append(s.calls, Call{r.Method, strings.TrimPrefix(r.URL.Path, "/api"), r.URL.RawQuery, status})
	s.mu.Unlock()
	if f != nil {
		f.serve(w, rec)
		return
	}
	rec.send(w)
}

// allowed is knows, with the lock.
func (s *Server) allowed(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.knows(token)
}

func (s *Server) knows(token string) bool {
	return s.Token == "" || token == s.Token || s.apps[token] != "" || s.public && token == ""
}

// conditional answers 304 to whoever has this answer already.
func conditional(rec *recorder, r *http.Request) {
	if r.Method != http.MethodGet || rec.status != http.StatusOK {
		return
	}
	sum := sha256.Sum256(append([]byte(rec.header.Get("Link")), rec.body...))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	rec.header.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		rec.status, rec.body = http.StatusNotModified, nil
	}
}

// A recorder is an answer before it is sent.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (rec *recorder) reply(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b, rec.status = []byte(err.Error()), http.StatusInternalServerError
	}
	rec.body = b
	rec.header.Set("Content-Type", "application/json; charset=utf-8")
}

func (rec *recorder) refuse(status int, message string) {
	rec.reply(Object{"message": message, "documentation_url": "https://docs.github.com/rest"})
	rec.status = status
}

func (rec *recorder) send(w http.ResponseWriter) {
	for name, values := range rec.header {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(rec.body) // to a client that may be gone
}

// list answers with one page of all, as per_page and page ask for.
func (s *Server) list(rec *recorder, r *http.Request, all []Object) {
	q := r.URL.Query()
	size, _ := strconv.Atoi(q.Get("per_page"))
	page, _ := strconv.Atoi(q.Get("page"))
	size, page = max(size, 1), max(page, 1)
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	if to < len(all) {
		q.Set("page", strconv.Itoa(page+1))
		rec.header.Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, s.URL, r.URL.Path, q.Encode()))
	}
	rec.reply(append([]Object{}, all[from:to]...))
}
