package bitbuckettest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// routeServer answers a call of Data Center's API. The lock is held.
func (s *Server) routeServer(rec *forgetest.Recorder, r *http.Request, path []string) {
	switch {
	case len(path) == 1 && path[0] == "projects":
		s.serverList(rec, r, []Object{{"key": s.owner}})
		return
	case len(path) == 1 && path[0] == "repos":
		all := []Object{{"id": 1, "slug": "other", "project": Object{"key": "X"}}}
		if !s.gone && !s.denied {
			all = append(all, s.serverRepository())
		}
		s.serverList(rec, r, all)
		return
	case len(path) < 4 || path[0] != "projects" || path[2] != "repos" || s.gone || path[1] != s.owner || path[3] != s.name:
		refuse(rec, http.StatusNotFound, "Repository does not exist.")
		return
	case s.denied: // it is 401 there, not 403
		refuse(rec, http.StatusUnauthorized, "You are not permitted to access this resource")
		return
	case len(path) == 4:
		rec.Reply(s.serverRepository())
		return
	}
	switch path[4] {
	case "webhooks":
		if len(path) == 7 && path[6] == "latest" {
			s.latest(rec, path[5])
			return
		}
		s.hook(rec, r, path[5:], "id")
	case "pull-requests":
		s.serverPulls(rec, r, path[5:])
	default:
		refuse(rec, http.StatusNotFound, "Not found")
	}
}

func (s *Server) serverRepository() Object {
	o := s.recorded("repository")
	id, _ := strconv.Atoi(s.id)
	maps.Copy(o, Object{"id": id, "slug": s.name, "name": s.name, "links": s.page("/browse")})
	o["project"] = Object{"key": s.owner}
	maps.Copy(o, s.fields)
	return o
}

func (s *Server) serverPulls(rec *forgetest.Recorder, r *http.Request, path []string) {
	q := r.URL.Query()
	if len(path) > 0 {
		n, _ := strconv.Atoi(path[0])
		th := s.pulls[n]
		switch {
		case th == nil:
			refuse(rec, http.StatusNotFound, "Pull request does not exist.")
		case len(path) == 1:
			rec.Reply(th.object)
		default: // activities, the newest first
			all := slices.Clone(th.comments)
			slices.Reverse(all)
			s.serverList(rec, r, append(all, Object{"id": 1, "action": "OPENED"}))
		}
		return
	}
	all := s.sorted("id", false)
	if q.Get("order") == "NEWEST" {
		all = s.sorted("updatedDate", true)
	}
	s.serverList(rec, r, slices.DeleteFunc(all, func(o Object) bool { return q.Get("state") != "ALL" && q.Get("state") != fmt.Sprint(o["state"]) }))
}

// serverList answers with one page of all, by place.
func (s *Server) serverList(rec *forgetest.Recorder, r *http.Request, all []Object) {
	q := r.URL.Query()
	start, _ := strconv.Atoi(q.Get("start"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	from, to := min(start, len(all)), min(start+limit, len(all))
	page := Object{"start": start, "limit": limit, "size": to - from, "isLastPage": to >= len(all), "values": s.spoiled(rec, r, all[from:to])}
	if rec.Fault != nil && rec.Fault.Empty {
		page["isLastPage"], page["size"] = false, 0
	}
	if page["isLastPage"] == false {
		page["nextPageStart"] = to
	}
	rec.Reply(page)
}

// hook makes, lists, changes and removes webhooks of either edition. Secrets are
// not shown.
func (s *Server) hook(rec *forgetest.Recorder, r *http.Request, path []string, idField string) {
	var body Object
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			refuse(rec, http.StatusBadRequest, "no JSON")
			return
		}
	}
	id := ""
	if len(path) > 0 {
		id = path[0]
	}
	switch there := s.hooks[id]; {
	case id == "" && r.Method == http.MethodPost:
		n := s.nextID()
		id, body["id"] = strconv.Itoa(n), n
		if s.cloud {
			id = fmt.Sprintf("{00000000-0000-4000-8000-%012d}", n)
			delete(body, "id")
		}
		body[idField] = body["id"]
		if s.cloud {
			body[idField] = id
		}
		s.hooks[id] = body
		rec.Reply(shown(body))
		rec.Status = http.StatusCreated
	case id == "":
		var all []Object
		for _, k := range slices.Sorted(maps.Keys(s.hooks)) {
			all = append(all, shown(s.hooks[k]))
		}
		if s.cloud {
			s.cloudList(rec, r, all)
			return
		}
		s.serverList(rec, r, all)
	case there == nil:
		refuse(rec, http.StatusNotFound, "Not found")
	case r.Method == http.MethodDelete:
		delete(s.hooks, id)
		rec.Status = http.StatusNoContent
	default:
		maps.Copy(there, body)
		rec.Reply(shown(there))
	}
}

func shown(h Object) Object {
	h = maps.Clone(h)
	delete(h, "secret")
	delete(h, "configuration")
	return h
}

// latest tells of the last delivery of a webhook, with 204 as long as there is none.
func (s *Server) latest(rec *forgetest.Recorder, id string) {
	switch {
	case s.hooks[id] == nil:
		refuse(rec, http.StatusNotFound, "Webhook does not exist.")
	case s.sent == nil:
		rec.Status = http.StatusNoContent
	default:
		rec.Reply(s.sent)
	}
}

// Sent notes a delivery and its outcome: "SUCCESS", "FAILURE" or "ERROR".
func (s *Server) Sent(outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nextID()
	s.sent = Object{"id": n, "event": "repo:refs_changed", "start": 1_700_000_000_000 + n, "result": Object{"outcome": outcome, "description": "500"}}
}
