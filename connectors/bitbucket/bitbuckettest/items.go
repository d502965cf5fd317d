package bitbuckettest

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
)

func compare(a, b any) int {
	switch a := a.(type) {
	case int:
		b, _ := b.(int)
		return cmp.Compare(a, b)
	case int64:
		b, _ := b.(int64)
		return cmp.Compare(a, b)
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// htmlURL is the page of the repository.
func (s *Server) htmlURL() string {
	if s.cloud {
		return s.URL + "/" + s.owner + "/" + s.name
	}
	return s.URL + "/projects/" + s.owner + "/repos/" + s.name
}

func (s *Server) page(path string) Object {
	if s.cloud {
		return Object{"html": Object{"href": s.htmlURL() + path}}
	}
	return Object{"self": []Object{{"href": s.htmlURL() + path}}}
}

// field is the name of a field in the edition.
func (s *Server) field(cloud, server string) string {
	if s.cloud {
		return cloud
	}
	return server
}

// Pull makes a pull request, or changes title and body of the one with this number.
func (s *Server) Pull(number int, title, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.pulls[number]
	if th == nil {
		th = &thread{object: s.recorded("pull")}
		th.object[s.field("created_on", "createdDate")] = s.tick()
		s.pulls[number] = th
	}
	maps.Copy(th.object, Object{
		"id": number, "title": title, "description": body, "state": "OPEN", "links": s.page(fmt.Sprintf("/pull-requests/%d", number)),
		s.field("updated_on", "updatedDate"): s.tick(),
	})
	s.count(th)
	if s.cloud {
		th.object["participants"] = []Object{{"role": "REVIEWER", "approved": true, "state": "approved", "user": Object{"uuid": "{d301aafa-d676-4ee0-88be-962be7417567}", "nickname": "erikvz", "display_name": "Erik"}}}
	} else {
		delete(th.object, "closedDate")
	}
}

// count says how many comments there are, where the edition says it.
func (s *Server) count(th *thread) {
	if s.cloud {
		th.object["comment_count"], th.object["task_count"] = len(th.comments), 0
		return
	}
	th.object["properties"] = Object{"commentCount": len(th.comments), "openTaskCount": 0, "resolvedTaskCount": 0}
}

// Comment adds a comment to a pull request, on a line of a file unless it is empty.
// On a Data Center that does not move the time of its last change.
func (s *Server) Comment(number int, file, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th, c := s.pulls[number], s.recorded("comment")
	if s.cloud {
		maps.Copy(c, Object{"id": s.nextID(), "content": Object{"raw": body}, "created_on": s.tick(), "user": s.recorded("user")})
		delete(c, "parent")
		delete(c, "inline")
		if file != "" {
			c["inline"] = Object{"path": file, "to": 10, "from": nil}
		}
		th.object["updated_on"] = s.tick()
	} else {
		maps.Copy(c, Object{"id": s.nextID(), "text": body, "createdDate": s.tick()})
		c = Object{"id": s.nextID(), "action": "COMMENTED", "commentAction": "ADDED", "comment": c}
		if file != "" {
			c["commentAnchor"] = Object{"path": file, "line": 10}
		}
	}
	th.comments = append(th.comments, c)
	s.count(th)
}

// Reply answers the last comment of a pull request.
func (s *Server) Reply(number int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.pulls[number]
	last := th.comments[len(th.comments)-1]
	c := s.recorded("comment")
	if s.cloud {
		maps.Copy(c, Object{"id": s.nextID(), "content": Object{"raw": body}, "created_on": s.tick(), "user": s.recorded("user"), "parent": Object{"id": last["id"]}, "inline": last["inline"]})
		th.comments = append(th.comments, c)
		th.object["updated_on"] = s.tick()
	} else {
		maps.Copy(c, Object{"id": s.nextID(), "text": body, "createdDate": s.tick()})
		root, _ := last["comment"].(Object)
		root["comments"] = []Object{c}
	}
	s.count(th)
}

// Set changes fields of a pull request, and the time of its last change.
func (s *Server) Set(number int, fields Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.pulls[number]
	maps.Copy(th.object, fields)
	th.object[s.field("updated_on", "updatedDate")] = s.tick()
}

// DeletePull deletes a pull request, as a Data Center allows.
func (s *Server) DeletePull(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pulls, number)
}
