package neighbourtest

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// MaxBody is the most bytes that the framework of the real ones reads.
const MaxBody = 2 << 20

// A Server is what the stand-ins have in common. Set the fields before the first
// request.
type Server struct {
	Trouble float64 // how often it misbehaves, from 0 to 1
	Reply   func(r *http.Request, body []byte) (status int, text string)

	t       *testing.T
	addr    string
	routes  map[string]route
	mu      sync.Mutex
	server  *http.Server
	changed chan struct{} // closed and made anew each time something is taken
	asked   int
	refused []string
	lost    int
	keys    map[string][sha256.Size]byte // of idempotency: the body that each came with
}

// A route answers one path: with what to take if the answer is to be sent, and
// with the answer.
type route func(body []byte) (take func(), answer any, refused *refusal)

// A refusal is how the real ones say no.
type refusal struct {
	status int
	text   string
}

func unprocessable(text string) *refusal { return &refusal{http.StatusUnprocessableEntity, text} }

func newServer(t *testing.T, routes map[string]route) *Server {
	t.Helper()
	s := &Server{t: t, addr: "127.0.0.1:0", routes: routes, changed: make(chan struct{})}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start listens; after a Stop at the same address.
func (s *Server) Start() {
	s.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	go func() { _ = server.Serve(listener) }() // until it is closed
}

// Stop cuts all connections and listens no more.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.server.Close() // nothing is left of it anyway
}

// URL is where it is.
func (s *Server) URL() string { return "http://" + s.addr }

// Refused are the reasons why requests were refused, other than by trouble.
func (s *Server) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.refused...)
}

// Asked is how many requests came, and Lost how many of them were taken without an
// answer.
func (s *Server) Asked() (asked, lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, s.lost
}

// Await returns when ok holds. It is asked each time something was taken, with the
// lock held.
func (s *Server) Await(what string, ok func() bool) {
	s.t.Helper()
	late := time.After(2 * time.Minute)
	for {
		s.mu.Lock()
		done, changed := ok(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			s.t.Fatalf("%s: not after two minutes; refused: %q", what, s.Refused())
		}
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return // the other side is gone
	}
	s.mu.Lock()
	s.asked++
	take, answer, no := s.judge(r, body)
	if no != nil {
		s.refused = append(s.refused, no.text)
		s.mu.Unlock()
		http.Error(w, no.text, no.status)
		return
	}
	defer s.mu.Unlock()
	if s.Reply != nil {
		if status, text := s.Reply(r, body); status != 0 {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text) // the other side may be gone
			return
		}
	}
	if rand.Float64() < s.Trouble && s.misbehave(w, r, take) {
		return
	}
	s.take(take)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the other side may be gone
}

// judge is what the framework does: path, type, size, shape.
func (s *Server) judge(r *http.Request, body []byte) (func(), any, *refusal) {
	route, ok := s.routes[r.Method+" "+r.URL.Path]
	if at := strings.LastIndexByte(r.URL.Path, '/') + 1; !ok && r.Method == http.MethodGet { // the last element is what is asked for
		route, ok = s.routes["GET "+r.URL.Path[:at]]
		body = []byte(r.URL.Path[at:])
	}
	if !ok {
		return nil, nil, &refusal{http.StatusNotFound, "no route " + r.Method + " " + r.URL.Path}
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
	case err != nil || media != "application/json" && !strings.HasSuffix(media, "+json"):
		return nil, nil, &refusal{http.StatusUnsupportedMediaType, "Expected request with `Content-Type: application/json`"}
	case len(body) > MaxBody:
		return nil, nil, &refusal{http.StatusRequestEntityTooLarge, "Failed to buffer the request body: length limit exceeded"}
	case !json.Valid(body):
		return nil, nil, &refusal{http.StatusBadRequest, "Failed to parse the request body as JSON"}
	case !s.keyed(r.URL.Path, r.Header.Get("Idempotency-Key"), body):
		return nil, nil, unprocessable("the idempotency key is missing or was used for another body")
	}
	return route(body)
}

// keyed is what a neighbour in front of which keys are kept demands: the real ones
// take no notice of them.
func (s *Server) keyed(path, key string, body []byte) bool {
	at, sum := path+" "+key, sha256.Sum256(body)
	if first, used := s.keys[at]; used {
		return first == sum
	}
	if s.keys == nil {
		s.keys = make(map[string][sha256.Size]byte)
	}
	s.keys[at] = sum
	return key != ""
}

func (s *Server) take(take func()) {
	if take != nil {
		take()
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// misbehave reports false when it has not, and the request is to be answered.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, take func()) bool {
	switch rand.IntN(7) {
	case 0:
		http.Error(w, "oh no", http.StatusInternalServerError)
	case 1:
		http.Error(w, "restarting", http.StatusBadGateway)
	case 2:
		w.Header().Set("Retry-After", "0")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case 3: // cut before
		panic(http.ErrAbortHandler)
	case 4: // cut behind
		s.lost++
		s.take(take)
		panic(http.ErrAbortHandler)
	case 5: // too late
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
	default: // a proxy that says it in HTML
		w.Header().Set("Content-Type", "text/html")
		http.Error(w, "<h1>unavailable</h1>", http.StatusServiceUnavailable)
	}
	return true
}

// Look calls look while nothing is taken.
func (s *Server) Look(look func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	look()
}
