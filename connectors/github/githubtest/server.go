package githubtest

import (
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

// An Object is one of GitHub's, as JSON.
type Object = forgetest.Object

// A Fault is one way to fail.
type Fault = forgetest.Fault

// A Server is a GitHub with one repository. It may be used concurrently.
type Server struct {
	forgetest.Desk
	URL   string // http://127.0.0.1:port: the baseUrl of a source
	Token string // the one that opens it; empty: any, and none

	t       testing.TB
	git     http.Handler
	objects forgetest.Recorded

	mu       sync.Mutex
	now      time.Time // moves on by a minute with each change
	id       int64
	owner    string
	name     string
	old      map[string]bool // full names that lead here
	gone     bool
	public   bool
	wiki     bool
	fields   Object // what a test has put over the recorded repository
	issues   map[int]*thread
	pulls    map[int]*thread
	releases map[int64]Object
	talks    map[int]*talk
	hooks    map[int64]Object

	transferred map[int]int     // number elsewhere of an issue, by the one it had
	elsewhere   map[int]*thread // issues of the repository that they were transferred to

	sent   []Object // deliveries, the newest first
	lastID int64
	minted int
	apps   map[string]string // installation by token

	suspended bool
}

// A thread is an issue or pull request with what belongs to it.
type thread struct {
	object                     Object
	comments, reviews, onLines []Object
}

// New starts a server whose repository is owner/name; git serves what is no API.
func New(t testing.TB, git http.Handler, owner, name string) *Server {
	t.Helper()
	s := &Server{
		t: t, git: git, objects: forgetest.ReadRecorded(t, recordedText), id: 1296269, owner: owner, name: name, old: map[string]bool{}, fields: Object{},
		now: time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC), lastID: 1000,
		issues: map[int]*thread{}, pulls: map[int]*thread{}, releases: map[int64]Object{}, talks: map[int]*talk{},
		transferred: map[int]int{}, elsewhere: map[int]*thread{}, hooks: map[int64]Object{}, apps: map[string]string{},
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
	s.now = s.now.Add(time.Minute)
	return s.now.Format(time.RFC3339)
}

func (s *Server) nextID() int64 {
	s.lastID++
	return s.lastID
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

// Repository changes fields of the repository.
func (s *Server) Repository(fields Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.fields, fields)
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
		if s.refuses(password) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if !s.allowed(password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.git.ServeHTTP(w, r)
		return
	}
	s.Serve(w, r, func(rec *forgetest.Recorder) { s.answer(rec, r) })
}

func (s *Server) answer(rec *forgetest.Recorder, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasSuffix(r.URL.Path, "/access_tokens"):
		s.mint(rec, r, token)
	case strings.HasSuffix(r.URL.Path, "/app/hook/deliveries"):
		s.appDeliveries(rec, r, token)
	case s.suspended && s.apps[token] != "":
		refuse(rec, http.StatusForbidden, suspension)
	case !s.knows(token):
		refuse(rec, http.StatusUnauthorized, "Bad credentials")
	default:
		s.route(rec, r)
	}
	rec.Header.Set("X-RateLimit-Limit", "5000")
	rec.Header.Set("X-RateLimit-Remaining", "4900")
	rec.Header.Set("X-RateLimit-Reset", strconv.FormatInt(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), 10))
}

// suspension is what GitHub says of a suspended installation.
const suspension = "This installation has been suspended"

// Suspend suspends the installations of all apps, or ends that.
func (s *Server) Suspend(suspended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspended = suspended
}

// Revoke ends all tokens that installations have.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.apps)
}

// refuses reports whether token is of a suspended installation.
func (s *Server) refuses(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suspended && s.apps[token] != ""
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

func refuse(rec *forgetest.Recorder, status int, message string) {
	rec.Refuse(status, Object{"message": message, "documentation_url": "https://docs.github.com/rest"})
}

// list answers with one page of all, as per_page and page ask for.
func (s *Server) list(rec *forgetest.Recorder, r *http.Request, all []Object) {
	s.listBy(rec, r, "page", all)
}

// listBy is list for pages that are asked for by another name.
func (s *Server) listBy(rec *forgetest.Recorder, r *http.Request, name string, all []Object) {
	q := r.URL.Query()
	size, _ := strconv.Atoi(q.Get("per_page"))
	page, _ := strconv.Atoi(q.Get(name))
	size, page = max(size, 1), max(page, 1)
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	if to < len(all) {
		q.Set(name, strconv.Itoa(page+1))
		rec.Header.Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, s.URL, r.URL.Path, q.Encode()))
	}
	rec.Reply(append([]Object{}, all[from:to]...))
}
