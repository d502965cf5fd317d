package example_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
)

const (
	token    = "secret-of-the-test"
	pageSize = 7
)

// An item is one of the server's, as its API shows it.
type item struct {
	ID      string `json:"id"`
	Path    string `json:"path,omitempty"`
	Version string `json:"version,omitempty"`
	Size    int64  `json:"size"`
	Deleted bool   `json:"deleted,omitempty"`
	content string
}

// A server holds items, the newest state of each by id, and the log of their
// changes. A fault strikes from the second page of a listing on.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	items  []item
	log    []item
	floor  int // changes before it are forgotten
	fault  connectortest.Fault
	struck bool // the fault that strikes once did
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items", s.list)
	mux.HandleFunc("GET /changes", s.changes)
	mux.HandleFunc("GET /items/{id}/content", s.content)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if given := r.Header.Get("Authorization"); given != "" && given != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) put(path, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.items, func(i item) bool { return i.Path == path })
	if i < 0 {
		s.items = append(s.items, item{ID: fmt.Sprintf("id-%d", len(s.log)), Path: path})
		i = len(s.items) - 1
	}
	s.items[i].content, s.items[i].Size, s.items[i].Version = content, int64(len(content)), fmt.Sprintf("v%d", len(s.log))
	s.log = append(s.log, s.items[i])
}

func (s *server) remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.items, func(i item) bool { return i.Path == path })
	s.log = append(s.log, item{ID: s.items[i].ID, Deleted: true})
	s.items = slices.Delete(s.items, i, i+1)
}

func (s *server) rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.items, func(i item) bool { return i.Path == from })
	s.items[i].Path = to
	s.log = append(s.log, s.items[i])
}

// reset forgets all changes.
func (s *server) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, item{ID: "nothing", Deleted: true})
	s.floor = len(s.log)
}

func (s *server) fail(f connectortest.Fault) func() {
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fault, s.struck = f, false
	}
}

type answer struct {
	Items []item `json:"items"`
	Next  string `json:"next"`
	End   bool   `json:"end"`
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	if after > 0 && s.strike(w, after) {
		return
	}
	to := min(after+pageSize, len(s.items))
	reply(w, answer{Items: s.items[after:to], Next: strconv.Itoa(to), End: to == len(s.items)})
}

// strike answers in the way of the present fault, if there is one.
func (s *server) strike(w http.ResponseWriter, after int) bool {
	switch s.fault {
	case connectortest.Truncated:
		reply(w, answer{Items: s.items[after : after+1]})
	case connectortest.Unauthorized:
		w.WriteHeader(http.StatusUnauthorized)
	case connectortest.ServerError:
		w.WriteHeader(http.StatusBadGateway)
	case connectortest.RateLimited:
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	case connectortest.CutOff:
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"items": [{"id": "id-0", "pa`)
	case connectortest.EmptyPage:
		if s.struck {
			return false
		}
		s.struck = true
		reply(w, answer{Next: strconv.Itoa(after)})
	case connectortest.Repeated:
		if s.struck {
			return false
		}
		s.struck = true
		reply(w, answer{Items: s.items[after-pageSize : after], Next: strconv.Itoa(after)})
	default:
		return false
	}
	return true
}

func (s *server) changes(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.Atoi(r.URL.Query().Get("since"))
	switch {
	case err != nil:
		reply(w, answer{Next: strconv.Itoa(len(s.log)), End: true})
	case since < s.floor:
		w.WriteHeader(http.StatusGone)
	default:
		to := min(since+pageSize, len(s.log))
		reply(w, answer{Items: s.log[since:to], Next: strconv.Itoa(to), End: to == len(s.log)})
	}
}

func (s *server) content(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.items, func(i item) bool { return i.ID == r.PathValue("id") })
	if i < 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("X-Version", s.items[i].Version)
	_, _ = io.WriteString(w, s.items[i].content)
}

func reply(w http.ResponseWriter, a answer) { _ = json.NewEncoder(w).Encode(a) }
