package gitlabtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// route answers a call of the API. The lock is held.
func (s *Server) route(rec *forgetest.Recorder, r *http.Request) {
	var path []string
	for _, p := range strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4/"), "/") {
		text, err := url.PathUnescape(p)
		if err != nil {
			refuse(rec, http.StatusBadRequest, "400 Bad Request")
			return
		}
		path = append(path, text)
	}
	switch {
	case path[0] == "user":
		rec.Reply(s.recorded("user"))
	case path[0] != "projects" || len(path) < 2 || s.gone:
		refuse(rec, http.StatusNotFound, "404 Project Not Found")
	case s.old[path[1]]:
		refuse(rec, http.StatusMovedPermanently, "Non GET methods are not allowed for moved projects")
		rec.Header.Set("Location", fmt.Sprintf("%s/api/v4/projects/%d", s.URL, s.id))
	case path[1] != s.path && path[1] != strconv.FormatInt(s.id, 10):
		refuse(rec, http.StatusNotFound, "404 Project Not Found")
	case len(path) == 2:
		rec.Reply(s.projectObject())
	case s.projectObject()[path[2]+"_access_level"] == "disabled":
		refuse(rec, http.StatusForbidden, "403 Forbidden")
	default:
		s.within(rec, r, path[2:])
	}
}

func (s *Server) projectObject() Object {
	o := s.recorded("project")
	name := s.path[strings.LastIndexByte(s.path, '/')+1:]
	maps.Copy(o, Object{"id": s.id, "path": name, "path_with_namespace": s.path, "web_url": s.webURL(), "http_url_to_repo": s.webURL() + ".git"})
	maps.Copy(o, s.project)
	return o
}

// within answers what lies below the project.
func (s *Server) within(rec *forgetest.Recorder, r *http.Request, path []string) {
	switch path[0] {
	case "issues":
		s.threads(rec, r, s.issues, path[1:])
	case "merge_requests":
		s.threads(rec, r, s.merges, path[1:])
	case "releases":
		if len(path) == 2 {
			one(rec, s.releases[path[1]])
			return
		}
		var all []Object
		for _, tag := range slices.Sorted(maps.Keys(s.releases)) {
			all = append(all, s.releases[tag])
		}
		s.list(rec, r, all)
	case "snippets":
		s.snippet(rec, r, path[1:])
	case "hooks":
		s.hook(rec, r, path[1:])
	default:
		refuse(rec, http.StatusNotFound, "404 Not Found")
	}
}

func one(rec *forgetest.Recorder, o Object) {
	if o == nil {
		refuse(rec, http.StatusNotFound, "404 Not Found")
		return
	}
	rec.Reply(o)
}

// threads answers for issues and merge requests.
func (s *Server) threads(rec *forgetest.Recorder, r *http.Request, all map[int]*thread, path []string) {
	q := r.URL.Query()
	if len(path) == 0 {
		s.list(rec, r, changed(all, q.Get("updated_after"), q.Get("sort") == "desc"))
		return
	}
	n, _ := strconv.Atoi(path[0])
	switch th := all[n]; {
	case th == nil:
		refuse(rec, http.StatusNotFound, "404 Not found")
	case len(path) == 2 && path[1] == "discussions":
		s.list(rec, r, th.discussions)
	default:
		rec.Reply(th.object)
	}
}

// changed are the threads that changed at a time or later, by that time.
func changed(all map[int]*thread, from string, descending bool) []Object {
	start, err := time.Parse(time.RFC3339Nano, from)
	var list []Object
	for _, n := range slices.Sorted(maps.Keys(all)) {
		at, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(all[n].object["updated_at"]))
		if err != nil || !at.Before(start) {
			list = append(list, all[n].object)
		}
	}
	slices.SortStableFunc(list, func(a, b Object) int {
		return strings.Compare(fmt.Sprint(a["updated_at"]), fmt.Sprint(b["updated_at"]))
	})
	if descending {
		slices.Reverse(list)
	}
	return list
}

// snippet answers for snippets and their files: raw, and files/:ref/:path/raw.
func (s *Server) snippet(rec *forgetest.Recorder, r *http.Request, path []string) {
	if len(path) == 0 {
		var all []Object
		for _, id := range slices.Backward(slices.Sorted(maps.Keys(s.snippets))) {
			all = append(all, s.snippets[id].object)
		}
		s.list(rec, r, all)
		return
	}
	id, _ := strconv.Atoi(path[0])
	sn := s.snippets[id]
	switch {
	case sn == nil:
		refuse(rec, http.StatusNotFound, "404 Snippet Not Found")
	case len(path) == 5 && path[1] == "files" && path[2] == "main":
		rec.Body = []byte(sn.files[path[3]])
	case len(path) == 1:
		rec.Reply(sn.object)
	default:
		refuse(rec, http.StatusNotFound, "404 Not Found")
	}
}

// hook makes, lists, changes, tests and removes webhooks. Several may have the
// same URL; a server that does not sign ignores the token for it.
func (s *Server) hook(rec *forgetest.Recorder, r *http.Request, path []string) {
	var body Object
	if r.Method == http.MethodPost && len(path) == 0 || r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			refuse(rec, http.StatusBadRequest, "400 Bad Request")
			return
		}
	}
	if len(path) == 0 {
		s.hookList(rec, r, body)
		return
	}
	id, _ := strconv.ParseInt(path[0], 10, 64)
	h := s.hooks[id]
	switch {
	case h == nil:
		refuse(rec, http.StatusNotFound, "404 Not found")
	case len(path) == 2 && path[1] == "events":
		rec.Reply(append([]Object{}, s.sent...))
	case len(path) == 3 && path[1] == "test":
		h["alert_status"] = "executable"
		s.tested++
		rec.Status = http.StatusCreated
	case r.Method == http.MethodDelete:
		delete(s.hooks, id)
		rec.Status = http.StatusNoContent
	default:
		s.writeHook(rec, h, body)
	}
}

func (s *Server) hookList(rec *forgetest.Recorder, r *http.Request, body Object) {
	if r.Method == http.MethodGet {
		var all []Object
		for _, id := range slices.Sorted(maps.Keys(s.hooks)) {
			all = append(all, shown(s.hooks[id]))
		}
		s.list(rec, r, all)
		return
	}
	h := s.recorded("hook")
	h["id"] = s.nextID()
	s.hooks[h["id"].(int64)] = h
	s.writeHook(rec, h, body)
	rec.Status = http.StatusCreated
}

func (s *Server) writeHook(rec *forgetest.Recorder, h, body Object) {
	if !s.Signing {
		delete(body, "signing_token")
	}
	maps.Copy(h, body)
	rec.Reply(shown(h))
}

// shown is a hook without its secrets.
func shown(h Object) Object {
	h = maps.Clone(h)
	h["token_present"] = h["token"] != nil && h["token"] != ""
	h["signing_token_present"] = h["signing_token"] != nil && h["signing_token"] != ""
	delete(h, "token")
	delete(h, "signing_token")
	return h
}
