package githubtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// route answers a call of the API. The lock is held.
func (s *Server) route(rec *forgetest.Recorder, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/")
	switch path {
	case "graphql":
		s.graphql(rec, r)
		return
	case "v3/rate_limit":
		rec.Reply(Object{"resources": Object{"core": Object{"limit": 5000, "remaining": 4900, "reset": 4102444800}}, "rate": Object{"limit": 5000}})
		return
	}
	if rest, ok := strings.CutPrefix(path, "v3/repositories/"); ok {
		s.byID(rec, r, rest)
		return
	}
	parts := strings.SplitN(strings.TrimPrefix(path, "v3/repos/"), "/", 3)
	full := strings.Join(parts[:min(2, len(parts))], "/")
	switch {
	case !strings.HasPrefix(path, "v3/repos/") || len(parts) < 2 || s.gone:
		refuse(rec, http.StatusNotFound, "Not Found")
	case full != s.owner+"/"+s.name && s.old[full]:
		s.lead(rec, s.id, parts[2:]...)
	case full != s.owner+"/"+s.name:
		refuse(rec, http.StatusNotFound, "Not Found")
	case len(parts) == 2:
		rec.Reply(s.repository())
	default:
		s.within(rec, r, strings.Split(parts[2], "/"))
	}
}

// elsewhereID is the repository that issues are transferred to.
const elsewhereID = 4711

// byID answers what is asked of a repository by its id, as redirects do.
func (s *Server) byID(rec *forgetest.Recorder, r *http.Request, path string) {
	id, rest, below := strings.Cut(path, "/")
	issue, isIssue := strings.CutPrefix(rest, "issues/")
	switch {
	case isIssue && id == strconv.Itoa(elsewhereID):
		s.thread(rec, r, s.elsewhere, strings.Split(issue, "/"))
	case s.gone || id != strconv.FormatInt(s.id, 10):
		refuse(rec, http.StatusNotFound, "Not Found")
	case below:
		s.within(rec, r, strings.Split(rest, "/"))
	default:
		rec.Reply(s.repository())
	}
}

// lead redirects to what lies at a path of the repository with an id.
func (s *Server) lead(rec *forgetest.Recorder, id int64, path ...string) {
	refuse(rec, http.StatusMovedPermanently, "Moved Permanently")
	rec.Header.Set("Location", s.URL+"/api/v3/"+strings.Join(append([]string{"repositories", strconv.FormatInt(id, 10)}, path...), "/"))
}

func (s *Server) repository() Object {
	o := s.recorded("repository")
	maps.Copy(o, Object{
		"id": s.id, "name": s.name, "full_name": s.owner + "/" + s.name, "html_url": s.htmlURL(), "url": s.repositoryURL(),
		"default_branch": "main", "has_wiki": s.wiki,
	})
	maps.Copy(o, s.fields)
	return o
}

// within answers what lies below the repository.
func (s *Server) within(rec *forgetest.Recorder, r *http.Request, path []string) {
	q := r.URL.Query()
	descending := q.Get("direction") == "desc"
	switch {
	case path[0] == "issues" && len(path) == 1:
		s.list(rec, r, since(objects(s.issuesAndPulls(), q.Get("sort")+"_at", descending), q.Get("since")))
	case path[0] == "issues":
		if n, _ := strconv.Atoi(path[1]); s.transferred[n] != 0 {
			path[1] = strconv.Itoa(s.transferred[n])
			s.lead(rec, elsewhereID, path...)
			return
		}
		s.thread(rec, r, s.issuesAndPulls(), path[1:])
	case path[0] == "pulls" && len(path) == 1:
		s.list(rec, r, objects(s.pulls, q.Get("sort")+"_at", descending))
	case path[0] == "pulls":
		s.thread(rec, r, s.pulls, path[1:])
	case path[0] == "releases" && len(path) == 1:
		var all []Object
		for _, id := range slices.Sorted(maps.Keys(s.releases)) {
			all = append(all, s.releases[id])
		}
		slices.Reverse(all)
		s.list(rec, r, all)
	case path[0] == "releases":
		id, _ := strconv.ParseInt(path[1], 10, 64)
		s.one(rec, s.releases[id])
	case path[0] == "hooks":
		s.hook(rec, r, path[1:])
	default:
		refuse(rec, http.StatusNotFound, "Not Found")
	}
}

// issuesAndPulls are what GitHub lists as issues.
func (s *Server) issuesAndPulls() map[int]*thread {
	all := map[int]*thread{}
	for n, i := range s.issues {
		o := maps.Clone(i.object)
		o["repository_url"] = s.repositoryURL() // by the name of today
		all[n] = &thread{object: o, comments: i.comments}
	}
	for n, p := range s.pulls {
		o := maps.Clone(p.object)
		o["repository_url"] = s.repositoryURL()
		o["pull_request"] = Object{"url": fmt.Sprintf("%s/pulls/%d", s.repositoryURL(), n)}
		all[n] = &thread{object: o, comments: p.comments}
	}
	return all
}

func since(all []Object, from string) []Object {
	start, err := time.Parse(time.RFC3339, from)
	if err != nil {
		return all
	}
	return slices.DeleteFunc(all, func(o Object) bool {
		at, err := time.Parse(time.RFC3339, fmt.Sprint(o["updated_at"]))
		return err != nil || at.Before(start)
	})
}

func (s *Server) thread(rec *forgetest.Recorder, r *http.Request, all map[int]*thread, path []string) {
	n, _ := strconv.Atoi(path[0])
	th := all[n]
	switch {
	case th == nil:
		refuse(rec, http.StatusNotFound, "Not Found")
	case len(path) == 1:
		rec.Reply(th.object)
	case path[1] == "reviews":
		s.list(rec, r, th.reviews)
	case path[1] == "comments" && strings.Contains(r.URL.Path, "/pulls/"):
		s.list(rec, r, th.onLines)
	default:
		s.list(rec, r, th.comments)
	}
}

func (s *Server) one(rec *forgetest.Recorder, o Object) {
	if o == nil {
		refuse(rec, http.StatusNotFound, "Not Found")
		return
	}
	rec.Reply(o)
}

// hook makes, lists, changes and removes webhooks. A second one with the same URL
// is refused, as GitHub does.
func (s *Server) hook(rec *forgetest.Recorder, r *http.Request, path []string) {
	var body Object
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			refuse(rec, http.StatusBadRequest, "Problems parsing JSON")
			return
		}
	}
	if len(path) == 0 {
		s.hookList(rec, r, body)
		return
	}
	id, _ := strconv.ParseInt(path[0], 10, 64)
	if s.hooks[id] == nil {
		refuse(rec, http.StatusNotFound, "Not Found")
		return
	}
	if len(path) == 2 && path[1] == "deliveries" {
		s.listBy(rec, r, "cursor", s.sent)
		return
	}
	if r.Method == http.MethodDelete {
		delete(s.hooks, id)
		rec.Status = http.StatusNoContent
		return
	}
	maps.Copy(s.hooks[id], body)
	rec.Reply(shown(s.hooks[id]))
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
	for _, h := range s.hooks {
		if urlOf(h) == urlOf(body) {
			refuse(rec, http.StatusUnprocessableEntity, "Validation Failed")
			return
		}
	}
	body["id"] = s.nextID()
	s.hooks[body["id"].(int64)] = body
	rec.Reply(shown(body))
	rec.Status = http.StatusCreated
}

func urlOf(h Object) any { c, _ := h["config"].(Object); return c["url"] }

// shown is a hook without its secret.
func shown(h Object) Object {
	h = maps.Clone(h)
	if c, ok := h["config"].(Object); ok {
		c = maps.Clone(c)
		c["secret"] = "********"
		h["config"] = c
	}
	return h
}

// Sent notes a delivery and what was answered to it; 0: nothing was.
func (s *Server) Sent(guid string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Object{
		"id": s.nextID(), "guid": guid, "delivered_at": s.tick(), "redelivery": false, "duration": 0.27, "status": http.StatusText(status),
		"status_code": status, "event": "push", "action": nil, "installation_id": nil, "repository_id": s.id,
	}
	s.sent = append([]Object{d}, s.sent...)
}

// SentOf is Sent for what is about an installation and no repository.
func (s *Server) SentOf(installation int64, guid string, status int) {
	s.Sent(guid, status)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.sent[0], Object{"event": "installation", "action": "suspend", "installation_id": installation, "repository_id": nil})
}

// Hooks are the webhooks with their secrets, by id.
func (s *Server) Hooks() map[int64]Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	hooks := make(map[int64]Object, len(s.hooks))
	for id, hook := range s.hooks {
		hooks[id] = maps.Clone(hook)
	}
	return hooks
}

// mint makes a token for an installation, for whoever shows a signed token of an
// app; its signature is not looked at.
func (s *Server) mint(rec *forgetest.Recorder, r *http.Request, shown string) {
	if strings.Count(shown, ".") != 2 || r.Method != http.MethodPost {
		refuse(rec, http.StatusUnauthorized, "A JSON web token could not be decoded")
		return
	}
	if s.suspended {
		refuse(rec, http.StatusForbidden, suspension)
		return
	}
	s.minted++
	token := fmt.Sprintf("ghs_%d_%s", s.minted, strings.Repeat("x", 500))
	s.apps[token] = r.URL.Path
	ends := time.Date(2026, time.March, 1, 12+s.minted, 0, 0, 0, time.UTC) // the first one at one o'clock
	rec.Reply(Object{"token": token, "expires_at": ends.Format(time.RFC3339), "permissions": Object{"contents": "read"}})
	rec.Status = http.StatusCreated
}

// appDeliveries lists what was sent to the app of whoever shows a token that it has
// signed: the same as to the webhooks of the repository, and of another one.
func (s *Server) appDeliveries(rec *forgetest.Recorder, r *http.Request, shown string) {
	if strings.Count(shown, ".") != 2 {
		refuse(rec, http.StatusUnauthorized, "A JSON web token could not be decoded")
		return
	}
	s.listBy(rec, r, "cursor", s.sent)
}

// Minted is how many tokens were made for installations.
func (s *Server) Minted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.minted
}
