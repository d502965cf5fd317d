package bitbuckettest

import (
	_ "embed" // recorded objects
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

//go:embed testdata/recorded.json
var recordedText []byte

// An Object is one of Bitbucket's, as JSON.
type Object = forgetest.Object

// A Fault is one way to fail.
type Fault = forgetest.Fault

// A Server is a Bitbucket with one repository. It may be used concurrently.
type Server struct {
	forgetest.Desk
	URL   string // http://127.0.0.1:port: the baseUrl of a source of a Data Center
	User  string // of the token; empty: it is an access token
	Token string // the one that opens it; empty: any, and none

	t       testing.TB
	git     http.Handler
	objects forgetest.Recorded
	cloud   bool

	mu     sync.Mutex
	now    time.Time // moves on by a minute with each change
	id     string    // uuid or number
	owner  string
	name   string
	gone   bool
	fields Object // what a test has put over the recorded repository
	denied bool
	pulls  map[int]*thread
	hooks  map[string]Object
	sent   Object // the last delivery of Data Center; nil: none
	lastID int
	last   map[string][]Object // the page before, by path
}

// A thread is a pull request with what was said of it.
type thread struct {
	object   Object
	comments []Object
}

// NewCloud starts a Bitbucket Cloud whose repository is owner/name; git serves
// what is no API.
func NewCloud(t testing.TB, git http.Handler, owner, name string) *Server {
	t.Helper()
	return start(t, &Server{git: git, cloud: true, owner: owner, name: name, id: "{673a6070-3421-46c9-9d48-90745f7bfe8e}"})
}

// NewServer starts a Bitbucket Data Center whose repository is owner/name, with
// the key of a project as owner; git serves what is no API.
func NewServer(t testing.TB, git http.Handler, owner, name string) *Server {
	t.Helper()
	return start(t, &Server{git: git, owner: owner, name: name, id: "4"})
}

func start(t testing.TB, s *Server) *Server {
	s.t, s.now, s.lastID = t, time.Date(2026, time.January, 5, 9, 0, 0, 123456000, time.UTC), 1000
	s.pulls, s.hooks, s.last = map[int]*thread{}, map[string]Object{}, map[string][]Object{}
	s.fields, s.objects = Object{}, forgetest.ReadRecorded(t, recordedText)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// recorded is a fresh copy of a recorded object of the edition.
func (s *Server) recorded(kind string) Object {
	s.t.Helper()
	if s.cloud {
		return s.objects.New(s.t, "cloud_"+kind)
	}
	return s.objects.New(s.t, "server_"+kind)
}

// tick moves the time on and gives it in the form of the edition; the lock is held.
func (s *Server) tick() any {
	s.now = s.now.Add(time.Minute)
	if s.cloud {
		return s.now.Format("2006-01-02T15:04:05.000000Z07:00")
	}
	return s.now.UnixMilli()
}

func (s *Server) nextID() int {
	s.lastID++
	return s.lastID
}

// Rename gives the repository another owner and name. The old ones lead nowhere.
func (s *Server) Rename(owner, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner, s.name = owner, name
}

// Replace puts another repository under the name: the old one is deleted.
func (s *Server) Replace(id string) {
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

// Vanish deletes the repository.
func (s *Server) Vanish(gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = gone
}

// Deny takes access to the repository from a credential that stays good.
func (s *Server) Deny(denied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = denied
}

// ID is the uuid or the number of the repository.
func (s *Server) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Hooks are the webhooks with their secrets, by id.
func (s *Server) Hooks() map[string]Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.hooks)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, isAPI := strings.CutPrefix(r.URL.Path, "/2.0/")
	if !s.cloud {
		path, isAPI = strings.CutPrefix(r.URL.Path, "/rest/api/latest/")
	}
	if !isAPI {
		s.serveGit(w, r)
		return
	}
	s.Serve(w, r, func(rec *forgetest.Recorder) { s.answer(rec, r, strings.Split(path, "/")) })
}

func (s *Server) answer(rec *forgetest.Recorder, r *http.Request, path []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.knows(r):
		refuse(rec, http.StatusUnauthorized, "Token is invalid, expired, or not supported for this endpoint.")
	case s.cloud:
		s.routeCloud(rec, r, path)
	default:
		s.routeServer(rec, r, path)
	}
}

// serveGit takes the user names that the edition asks for.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	want := "x-token-auth"
	switch {
	case s.User != "" && s.cloud:
		want = "x-bitbucket-api-token-auth"
	case s.User != "":
		want = s.User
	}
	user, password, _ := r.BasicAuth()
	if s.Token != "" && (user != want || password != s.Token) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Bitbucket"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.git.ServeHTTP(w, r)
}

func (s *Server) knows(r *http.Request) bool {
	user, password, basic := r.BasicAuth()
	switch {
	case s.Token == "":
		return true
	case s.User == "":
		return r.Header.Get("Authorization") == "Bearer "+s.Token
	}
	return basic && user == s.User && password == s.Token
}

func refuse(rec *forgetest.Recorder, status int, message string) {
	rec.Refuse(status, Object{"type": "error", "error": Object{"message": message}})
}

// spoiled is a page of a list with what a fault makes of it.
func (s *Server) spoiled(rec *forgetest.Recorder, r *http.Request, items []Object) []Object {
	last := s.last[r.URL.Path]
	s.last[r.URL.Path] = items
	return append([]Object{}, rec.Fault.Spoil(items, last)...)
}

// sorted are pull requests by a field, then by number.
func (s *Server) sorted(field string, descending bool) []Object {
	var all []Object
	for _, n := range slices.Sorted(maps.Keys(s.pulls)) {
		all = append(all, s.pulls[n].object)
	}
	slices.SortStableFunc(all, func(a, b Object) int {
		c := compare(a[field], b[field])
		if descending {
			return -c
		}
		return c
	})
	return all
}
