package gitlabtest

import (
	"fmt"
	"maps"
	"slices"
)

// Issue makes an issue, or changes title and body of the one with this number.
func (s *Server) Issue(number int, title, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(s.issues, "issue", number, title, body)
	s.issues[number].object["web_url"] = fmt.Sprintf("%s/-/issues/%d", s.webURL(), number)
}

// MergeRequest makes a merge request, or changes title and body of the one with
// this number.
func (s *Server) MergeRequest(number int, title, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(s.merges, "merge_request", number, title, body)
	s.merges[number].object["web_url"] = fmt.Sprintf("%s/-/merge_requests/%d", s.webURL(), number)
}

func (s *Server) put(all map[int]*thread, kind string, number int, title, body string) {
	th := all[number]
	if th == nil {
		th = &thread{object: s.recorded(kind)}
		all[number] = th
		maps.Copy(th.object, Object{"created_at": s.tick(), "user_notes_count": 0, "iid": number, "id": 5000 + number, "project_id": s.id})
	}
	maps.Copy(th.object, Object{"title": title, "description": body, "updated_at": s.tick()})
}

func (s *Server) at(number int) *thread {
	if th := s.issues[number]; th != nil {
		return th
	}
	return s.merges[number]
}

// Comment adds a comment to an issue or merge request. fields are put over each of
// its notes.
func (s *Server) Comment(number int, body string, fields Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.at(number)
	th.discussions = append(th.discussions, Object{"id": fmt.Sprintf("%040x", s.nextID()), "individual_note": true, "notes": []Object{s.note(body, fields)}})
	s.counted(th)
}

// Thread adds a thread on a line of a file, with one answer.
func (s *Server) Thread(number int, file string, line int, body, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.at(number)
	on := Object{"type": "DiffNote", "resolvable": true, "position": Object{"position_type": "text", "new_path": file, "new_line": line, "old_path": file}}
	th.discussions = append(th.discussions, Object{"id": fmt.Sprintf("%040x", s.nextID()), "individual_note": false, "notes": []Object{s.note(body, on), s.note(answer, on)}})
	s.counted(th)
}

func (s *Server) note(body string, fields Object) Object {
	o := s.recorded("note")
	maps.Copy(o, Object{"id": s.nextID(), "body": body, "created_at": s.tick()})
	maps.Copy(o, fields)
	return o
}

func (s *Server) counted(th *thread) {
	n, _ := th.object["user_notes_count"].(int)
	maps.Copy(th.object, Object{"user_notes_count": n + 1, "updated_at": s.tick()})
}

// Set changes fields of an issue or merge request.
func (s *Server) Set(number int, fields Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	th := s.at(number)
	maps.Copy(th.object, fields)
	th.object["updated_at"] = s.tick()
}

// Delete deletes an issue or merge request. One that is moved stays, closed.
func (s *Server) Delete(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.issues, number)
	delete(s.merges, number)
}

// Release makes or changes a release.
func (s *Server) Release(tag, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.releases[tag]
	if o == nil {
		o = s.recorded("release")
		o["released_at"] = s.tick()
	}
	maps.Copy(o, Object{"tag_name": tag, "name": "Release " + tag, "description": body, "_links": Object{"self": s.webURL() + "/-/releases/" + tag}})
	s.releases[tag] = o
}

// DeleteRelease deletes a release.
func (s *Server) DeleteRelease(tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.releases, tag)
}

// Snippet makes or changes a snippet.
func (s *Server) Snippet(id int, title string, files map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sn := s.snippets[id]
	if sn == nil {
		sn = &snippet{object: s.recorded("snippet")}
		s.snippets[id] = sn
	}
	var list []Object
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, Object{"path": name, "raw_url": fmt.Sprintf("%s/-/snippets/%d/raw/main/%s", s.webURL(), id, name)})
	}
	sn.files = files
	maps.Copy(sn.object, Object{"id": id, "title": title, "files": list, "updated_at": s.tick(), "web_url": fmt.Sprintf("%s/-/snippets/%d", s.webURL(), id)})
}

// Hooks are the webhooks with their secrets, by id.
func (s *Server) Hooks() map[int64]Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.hooks)
}

// AddHook makes a webhook as somebody else would.
func (s *Server) AddHook(fields Object) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.recorded("hook")
	maps.Copy(h, fields)
	id := s.nextID()
	h["id"] = id
	s.hooks[id] = h
	return id
}

// Tested is how often a webhook was tested.
func (s *Server) Tested() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tested
}

// Sent notes a delivery and what was answered to it: "200", "internal error".
func (s *Server) Sent(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append([]Object{{"id": s.nextID(), "url": "https://data.example.com", "trigger": "push_hooks", "response_status": status}}, s.sent...)
}
