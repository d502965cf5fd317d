package githubtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// A talk is a discussion.
type talk struct {
	object   Object
	comments []Object
}

// Discussion makes or changes a discussion.
func (s *Server) Discussion(number int, title, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.talks[number]
	if d == nil {
		d = &talk{object: Object{
			"number": number, "url": fmt.Sprintf("%s/discussions/%d", s.htmlURL(), number), "createdAt": s.tick(), "closed": false, "isAnswered": false,
			"category": Object{"name": "Ideas"}, "labels": Object{"nodes": []Object{{"name": "idea"}}}, "author": Object{"login": "Codertocat", "databaseId": 21031067},
		}}
		s.talks[number] = d
	}
	maps.Copy(d.object, Object{"title": title, "body": body, "updatedAt": s.tick(), "comments": Object{"totalCount": len(d.comments)}})
}

// Reply adds a comment to a discussion, with one reply.
func (s *Server) Reply(number int, body, reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.talks[number]
	said := func(body string) Object {
		return Object{"body": body, "createdAt": s.tick(), "author": Object{"login": "hubot"}}
	}
	c := said(body)
	c["isAnswer"], c["replies"] = false, Object{"nodes": []Object{said(reply)}}
	d.comments = append(d.comments, c)
	maps.Copy(d.object, Object{"updatedAt": s.tick(), "comments": Object{"totalCount": len(d.comments)}})
}

// graphql answers the two queries of the connector.
func (s *Server) graphql(rec *forgetest.Recorder, r *http.Request) {
	var q struct {
		Query     string
		Variables struct {
			Owner, Name, After string
			Number, First      int
			Order              struct{ Field, Direction string }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Query == "" {
		refuse(rec, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	v := q.Variables
	switch {
	case s.gone || v.Owner+"/"+v.Name != s.owner+"/"+s.name:
		rec.Reply(Object{"data": Object{"repository": nil}, "errors": []Object{{"type": "NOT_FOUND"}}})
	case v.Number != 0:
		rec.Reply(Object{"data": Object{"repository": Object{"discussion": s.discussion(v.Number)}}})
	default:
		field := map[string]string{"CREATED_AT": "createdAt", "UPDATED_AT": "updatedAt"}[v.Order.Field]
		nodes := s.discussions(field, v.Order.Direction == "DESC")
		from, _ := strconv.Atoi(v.After)
		to := min(from+v.First, len(nodes))
		rec.Reply(Object{"data": Object{"repository": Object{"discussions": Object{
			"pageInfo": Object{"hasNextPage": to < len(nodes), "endCursor": strconv.Itoa(to)}, "nodes": nodes[from:to],
		}}}})
	}
}

func (s *Server) discussion(number int) any {
	d := s.talks[number]
	if d == nil {
		return nil
	}
	o := maps.Clone(d.object)
	o["talk"] = Object{"pageInfo": Object{"hasNextPage": false}, "nodes": append([]Object{}, d.comments...)}
	return o
}

func (s *Server) discussions(field string, descending bool) []Object {
	list := []Object{}
	for _, n := range slices.Sorted(maps.Keys(s.talks)) {
		list = append(list, s.talks[n].object)
	}
	slices.SortStableFunc(list, func(a, b Object) int { return strings.Compare(fmt.Sprint(a[field]), fmt.Sprint(b[field])) })
	if descending {
		slices.Reverse(list)
	}
	return list
}
