package bitbuckettest

import (
	"crypto/sha256"
	_ "embed" // recorded objects
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed testdata/recorded.json
var recordedText []byte

// An Object is one of Bitbucket's, as JSON.
type Object = map[string]any

// A Server is a Bitbucket with one repository. It may be used concurrently.
type Server struct {
	URL   string // http://127.0.0.1:port: the baseUrl of a source of a Data Center
	User  string // of the token; empty: it is an access token
	Token string // the one that opens it; empty: any, and none

	t     testing.TB
	git   http.Handler
	cloud bool

	mu     sync.Mutex
	now    time.Time // moves on by a minute with each change
	id     string    // uuid or number
	owner  string
	name   string
	gone   bool
	denied bool
	pulls  map[int]*thread
	hooks  map[string]Object
	lastID int
	calls  []Call
	faults []*Fault
}

// A thread is a pull request with what was said of it.
type thread struct {
	object   Object
	comments []Object
}

// A Call is one that the API was asked.
type Call struct {
	Method, Path, Query string
	Status              int
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
	s.pulls, s.hooks = map[int]*thread{}, map[string]Object{}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// recorded is a fresh copy of a recorded object of the edition.
func (s *Server) recorded(kind string) Object {
	prefix := "server_"
	if s.cloud {
		prefix = "cloud_"
	}
	var all map[string]Object
	if err := json.Unmarshal(recordedText, &all); err != nil || all[prefix+kind] == nil {
		s.t.Fatalf("recorded object %q: %v", prefix+kind, err)
	}
	return all[prefix+kind]
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

// Calls are the calls of the API since the last time.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.calls
	s.calls = nil
	return seen
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
	query, _ := url.QueryUnescape(r.URL.RawQuery)
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	s.mu.Lock()
	f := s.fault(r.URL.Path + "?" + query)
	rec.fault = f
	switch {
	case !s.knows(r):
		rec.refuse(http.StatusUnauthorized, "Token is invalid, expired, or not supported for this endpoint.")
	case s.cloud:
		s.routeCloud(rec, r, strings.Split(path, "/"))
	default:
		s.routeServer(rec, r, strings.Split(path, "/"))
	}
	conditional(rec, r)
	status := rec.status
	if f != nil && f.Status != 0 {
		status = f.Status
	}
	s.calls = append(s.calls, Call{r.Method, r.URL.Path, query, status})
	s.mu.Unlock()
	if f != nil {
		f.serve(w, rec)
		return
	}
	rec.send(w)
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

// conditional answers 304 to whoever has this answer already.
func conditional(rec *recorder, r *http.Request) {
	if r.Method != http.MethodGet || rec.status != http.StatusOK {
		return
	}
	sum := sha256.Sum256(rec.body)
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
	fault  *Fault
}

func (rec *recorder) reply(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b, rec.status = []byte(err.Error()), http.StatusInternalServerError
	}
	rec.body = b
	rec.header.Set("Content-Type", "application/json;charset=UTF-8")
}

func (rec *recorder) refuse(status int, message string) {
	rec.reply(Object{"type": "error", "error": Object{"message": message}})
	rec.status = status
}

func (rec *recorder) send(w http.ResponseWriter) {
	for name, values := range rec.header {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(rec.body) // to a client that may be gone
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
