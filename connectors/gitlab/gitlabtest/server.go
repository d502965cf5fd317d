package gitlabtest

import (
	"cmp"
	_ "embed" // the recorded objects
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

//go:embed testdata/recorded.json
var recordedText []byte

// An Object is one of GitLab's, as JSON.
type Object = forgetest.Object

// A Fault is one way to fail.
type Fault = forgetest.Fault

// A Server is a GitLab with one project. It may be used concurrently.
type Server struct {
	forgetest.Desk
	URL     string // http://127.0.0.1:port: the baseUrl of a source
	Token   string // the one that opens it; empty: any, and none
	Signing bool   // it is new enough to sign deliveries

	t       testing.TB
	git     http.Handler
	objects forgetest.Recorded

	mu       sync.Mutex
	now      time.Time     // moves on by a minute with each change
	every    time.Duration // between two changes; 0: a minute
	id       int64
	path     string
	old      map[string]bool // full paths that lead here
	gone     bool
	public   bool
	project  Object // what a test has put over the recorded one
	issues   map[int]*thread
	merges   map[int]*thread
	releases map[string]Object
	snippets map[int]*snippet
	hooks    map[int64]Object
	tested   int
	sent     []Object // deliveries
	lastID   int64
}

// A thread is an issue or merge request with what was said about it.
type thread struct {
	object      Object
	discussions []Object
}

// A snippet is its files beside the object.
type snippet struct {
	object Object
	files  map[string]string
}

// New starts a server whose project is at path; git serves what is no API.
func New(t testing.TB, git http.Handler, path string) *Server {
	t.Helper()
	s := &Server{
		t: t, git: git, objects: forgetest.ReadRecorded(t, recordedText), id: 278964, path: path, old: map[string]bool{}, project: Object{}, Signing: true,
		now: time.Date(2026, time.January, 5, 9, 0, 0, 123_000_000, time.UTC), lastID: 1000,
		issues: map[int]*thread{}, merges: map[int]*thread{}, releases: map[string]Object{}, snippets: map[int]*snippet{}, hooks: map[int64]Object{},
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// recorded is a fresh copy of a recorded object.
func (s *Server) recorded(kind string) Object {
	s.t.Helper()
	return s.objects.New(s.t, kind)
}

// tick moves the time on; the lock is held.
func (s *Server) tick() string {
	s.now = s.now.Add(cmp.Or(s.every, time.Minute))
	return s.now.Format("2006-01-02T15:04:05.000Z07:00")
}

// Every lets so much time pass between two changes from now on.
func (s *Server) Every(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.every = d
}

func (s *Server) nextID() int64 {
	s.lastID++
	return s.lastID
}

func (s *Server) webURL() string { return s.URL + "/" + s.path }

// Rename gives the project another path. The old one leads there.
func (s *Server) Rename(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old[s.path] = true
	delete(s.old, path)
	s.path = path
}

// Replace puts another project under the path: the old one is deleted.
func (s *Server) Replace(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = id
}

// Vanish deletes the project, or takes access away: GitLab says the same.
func (s *Server) Vanish(gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = gone
}

// Project changes fields of the project.
func (s *Server) Project(fields Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.project, fields)
}

// ID is the numeric id of the project.
func (s *Server) ID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Public opens the project to whoever shows no token.
func (s *Server) Public() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public = true
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		s.serveGit(w, r)
		return
	}
	s.Serve(w, r, func(rec *forgetest.Recorder) { s.answer(rec, r) })
}

func (s *Server) answer(rec *forgetest.Recorder, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.knows(token(r)) {
		s.route(rec, r)
	} else {
		refuse(rec, http.StatusUnauthorized, "401 Unauthorized")
	}
	rec.Header.Set("RateLimit-Limit", "2000")
	rec.Header.Set("RateLimit-Remaining", "1900")
	rec.Header.Set("RateLimit-Reset", strconv.FormatInt(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), 10))
}

// serveGit asks for the token by the name that GitLab wants.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	s.mu.Lock()
	ok := s.knows(password) && (password == "" || user == "oauth2")
	s.mu.Unlock()
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.git.ServeHTTP(w, r)
}

func token(r *http.Request) string {
	if t := r.Header.Get("Private-Token"); t != "" {
		return t
	}
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func (s *Server) knows(token string) bool {
	return s.Token == "" || token == s.Token || s.public && token == ""
}

func refuse(rec *forgetest.Recorder, status int, message string) {
	rec.Refuse(status, Object{"message": message})
}

// list answers with one page of all, as per_page and page ask for. How many pages
// there are is not told, as of long lists.
func (s *Server) list(rec *forgetest.Recorder, r *http.Request, all []Object) {
	q := r.URL.Query()
	size, _ := strconv.Atoi(q.Get("per_page"))
	page, _ := strconv.Atoi(q.Get("page"))
	size, page = max(size, 1), max(page, 1)
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	rec.Header.Set("X-Page", strconv.Itoa(page))
	rec.Header.Set("X-Per-Page", strconv.Itoa(size))
	if to < len(all) {
		q.Set("page", strconv.Itoa(page+1))
		rec.Header.Set("X-Next-Page", strconv.Itoa(page+1))
		rec.Header.Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, s.URL, r.URL.EscapedPath(), q.Encode()))
	}
	rec.Reply(append([]Object{}, all[from:to]...))
}
