package bitbuckettest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// routeCloud answers a call of Cloud's API. The lock is held.
func (s *Server) routeCloud(rec *forgetest.Recorder, r *http.Request, path []string) {
	switch {
	case path[0] == "user":
		refuse(rec, http.StatusForbidden, "This API is only accessible with account scope")
		return
	case path[0] != "repositories" || len(path) < 3 || s.gone:
		refuse(rec, http.StatusNotFound, "Repository not found")
		return
	case s.denied:
		refuse(rec, http.StatusForbidden, "Access denied.")
		return
	}
	byName, byID := path[1] == s.owner && path[2] == s.name, path[1] == "{}" && path[2] == s.id
	switch {
	case !byName && !byID:
		refuse(rec, http.StatusNotFound, "You may not have access to this repository or it no longer exists in this workspace.")
	case len(path) == 3:
		o := s.recorded("repository")
		maps.Copy(o, Object{"uuid": s.id, "name": s.name, "full_name": s.owner + "/" + s.name, "scm": "git", "links": s.page("")})
		maps.Copy(o, s.fields)
		rec.Reply(o)
	case path[3] == "hooks":
		s.hook(rec, r, path[4:], "uuid")
	case path[3] == "pullrequests" && len(path) == 4:
		s.cloudPulls(rec, r)
	case path[3] == "pullrequests":
		n, _ := strconv.Atoi(path[4])
		th := s.pulls[n]
		switch {
		case th == nil:
			refuse(rec, http.StatusNotFound, "Not found")
		case len(path) == 5:
			rec.Reply(th.object)
		default:
			s.cloudList(rec, r, th.comments)
		}
	default:
		refuse(rec, http.StatusNotFound, "Not found")
	}
}

// cloudPulls filters and sorts as Cloud does. Without all four states only those
// in one of them are listed, and people only if they are asked for.
func (s *Server) cloudPulls(rec *forgetest.Recorder, r *http.Request) {
	q := r.URL.Query()
	sort, descending := strings.CutPrefix(q.Get("sort"), "-")
	all := slices.DeleteFunc(s.sorted(sort, descending), func(o Object) bool {
		return !slices.Contains(q["state"], fmt.Sprint(o["state"])) || !s.matches(rec, q.Get("q"), o)
	})
	if !strings.Contains(q.Get("fields"), "+values.participants") {
		for i := range all {
			all[i] = maps.Clone(all[i])
			delete(all[i], "participants")
		}
	}
	if rec.Status == http.StatusOK {
		s.cloudList(rec, r, all)
	}
}

// matches knows "id > 5" and "updated_on >= 2026-01-05T09:01:00.123456Z".
func (s *Server) matches(rec *forgetest.Recorder, q string, o Object) bool {
	part := strings.Fields(q)
	switch {
	case q == "":
		return true
	case len(part) == 3 && part[0] == "id" && part[1] == ">":
		n, _ := strconv.Atoi(part[2])
		return compare(o["id"], n) > 0
	case len(part) == 3 && part[0] == "updated_on" && part[1] == ">=":
		return compare(o["updated_on"], part[2]) >= 0
	}
	refuse(rec, http.StatusBadRequest, "Invalid query")
	return false
}

// cloudList answers with one page of all. The link to the next one is opaque.
func (s *Server) cloudList(rec *forgetest.Recorder, r *http.Request, all []Object) {
	q := r.URL.Query()
	size, _ := strconv.Atoi(q.Get("pagelen"))
	at, _ := strconv.Atoi(strings.TrimPrefix(q.Get("ctx"), "opaque"))
	to := min(at+size, len(all))
	page := Object{"pagelen": size, "size": len(all), "values": s.spoiled(rec, r, all[at:to])}
	if to < len(all) || rec.Fault != nil && rec.Fault.Empty {
		q.Set("ctx", "opaque"+strconv.Itoa(to))
		page["next"] = s.URL + r.URL.EscapedPath() + "?" + q.Encode()
	}
	rec.Reply(page)
}
