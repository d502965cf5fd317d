package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (s *Server) repositoryURL() string {
	return s.URL + "/api/v3/repos/" + s.owner + "/" + s.name
}

func (s *Server) htmlURL() string { return s.URL + "/" + s.owner + "/" + s.name }

// Issue makes an issue, or changes title and body of the one with this number.
func (s *Server) Issue(number int, title, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.issues[number]
	if th == nil {
		th = &thread{object: s.recorded("issue")}
		s.issues[number] = th
		th.object["created_at"] = s.tick()
	}
	s.put(th, number, title, body)
	th.object["html_url"] = fmt.Sprintf("%s/issues/%d", s.htmlURL(), number)
}

// Pull makes a pull request, or changes title and body of the one with this number.
func (s *Server) Pull(number int, title, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.pulls[number]
	if th == nil {
		th = &thread{object: s.recorded("pull_request")}
		s.pulls[number] = th
		th.object["created_at"], th.object["comments"], th.object["review_comments"] = s.tick(), 0, 0
	}
	s.put(th, number, title, body)
	th.object["html_url"] = fmt.Sprintf("%s/pull/%d", s.htmlURL(), number)
}

func (s *Server) put(th *thread, number int, title, body string) {
	maps.Copy(th.object, Object{"number": number, "id": 5000 + number, "title": title, "body": body, "updated_at": s.tick()})
	if th.object["comments"] == nil {
		th.object["comments"] = 0
	}
}

// Comment adds a comment to an issue or pull request.
func (s *Server) Comment(number int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.issues[number]
	if th == nil {
		th = s.pulls[number]
	}
	th.comments = append(th.comments, s.said("issue_comment", body))
	th.object["comments"], th.object["updated_at"] = len(th.comments), s.tick()
}

// Review adds a review to a pull request, with a comment on a line.
func (s *Server) Review(number int, body, onLine string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.pulls[number]
	r := s.said("review", body)
	r["submitted_at"] = r["created_at"]
	th.reviews, th.onLines = append(th.reviews, r), append(th.onLines, s.said("review_comment", onLine))
	th.object["review_comments"], th.object["updated_at"] = len(th.onLines), s.tick()
}

func (s *Server) said(kind, body string) Object {
	o := s.recorded(kind)
	maps.Copy(o, Object{"id": s.nextID(), "body": body, "created_at": s.tick()})
	return o
}

// Set changes fields of an issue or pull request.
func (s *Server) Set(number int, fields Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.issues[number]
	if th == nil {
		th = s.pulls[number]
	}
	maps.Copy(th.object, fields)
	th.object["updated_at"] = s.tick()
}

// DeleteIssue deletes an issue.
func (s *Server) DeleteIssue(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.issues, number)
}

// TransferIssue moves an issue to another repository, where to is its number. No
// list tells of it any more, and its address leads there.
func (s *Server) TransferIssue(number, to int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.issues[number]
	delete(s.issues, number)
	maps.Copy(th.object, Object{"number": to, "repository_url": s.URL + "/api/v3/repos/other/elsewhere", "updated_at": s.tick()})
	s.elsewhere[to], s.transferred[number] = th, to
}

// Release makes or changes a release.
func (s *Server) Release(id int64, tag, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.releases[id]
	if o == nil {
		o = s.recorded("release")
		o["published_at"] = s.tick()
	}
	maps.Copy(o, Object{"id": id, "tag_name": tag, "name": "Release " + tag, "body": body, "html_url": s.htmlURL() + "/releases/tag/" + tag})
	s.releases[id] = o
}

// DeleteRelease deletes a release.
func (s *Server) DeleteRelease(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.releases, id)
}

// objects are those of threads, ordered by a field, then by number.
func objects(all map[int]*thread, field string, descending bool) []Object {
	var list []Object
	for _, n := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[n].object)
	}
	slices.SortStableFunc(list, func(a, b Object) int {
		c := strings.Compare(fmt.Sprint(a[field]), fmt.Sprint(b[field]))
		if descending {
			return -c
		}
		return c
	})
	return list
}
