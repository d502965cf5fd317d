package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep a body may nest; what the API takes nests twice.
const maxDepth = 32

// scanJSON reads body as one JSON object and gives its top-level names. It
// refuses what encoding/json lets pass: names given twice (also in another
// case), invalid UTF-8, NUL, anything behind the object.
func scanJSON(body []byte) (names []string, problem *fieldProblem) {
	if !utf8.Valid(body) {
		return nil, &fieldProblem{Field: "body", Problem: "is not valid UTF-8", Allowed: "JSON in UTF-8"}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	s := scanner{d: d}
	if first := bytes.TrimLeft(body, " \t\r\n"); len(first) == 0 || first[0] != '{' {
		return nil, &fieldProblem{Field: "body", Problem: "is not an object", Allowed: "a JSON object"}
	}
	if problem := s.value("", 0); problem != nil {
		return nil, problem
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &fieldProblem{Field: "body", Problem: fmt.Sprintf("has more behind the object, at byte %d", d.InputOffset()), Allowed: "one JSON object"}
	}
	return s.names, nil
}

type scanner struct {
	d     *json.Decoder
	names []string // of the outermost object
}

// value reads one value; path is where it stands, "" for the whole body.
func (s *scanner) value(path string, depth int) *fieldProblem {
	token, err := s.d.Token()
	if err != nil {
		return s.malformed()
	}
	switch v := token.(type) {
	case string:
		return text(path, v)
	case json.Delim:
		if depth == maxDepth {
			return &fieldProblem{Field: path, Problem: "nests too deep", Allowed: fmt.Sprintf("%d levels", maxDepth)}
		}
		if v == '{' {
			return s.object(path, depth+1)
		}
		return s.array(path, depth+1)
	}
	return nil
}

func (s *scanner) object(path string, depth int) *fieldProblem {
	seen := map[string]bool{}
	for s.d.More() {
		token, err := s.d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return s.malformed()
		}
		field := strings.TrimPrefix(path+"."+name, ".")
		if seen[strings.ToLower(name)] {
			return &fieldProblem{Field: field, Problem: "is given more than once", Allowed: "one value"}
		}
		seen[strings.ToLower(name)] = true
		if problem := text("name of "+field, name); problem != nil {
			return problem
		}
		if path == "" {
			s.names = append(s.names, name)
		}
		if problem := s.value(field, depth); problem != nil {
			return problem
		}
	}
	return s.closed()
}

func (s *scanner) array(path string, depth int) *fieldProblem {
	for i := 0; s.d.More(); i++ {
		if problem := s.value(fmt.Sprintf("%s[%d]", path, i), depth); problem != nil {
			return problem
		}
	}
	return s.closed()
}

func (s *scanner) closed() *fieldProblem {
	if _, err := s.d.Token(); err != nil {
		return s.malformed()
	}
	return nil
}

func (s *scanner) malformed() *fieldProblem {
	return &fieldProblem{Field: "body", Problem: fmt.Sprintf("is not well-formed JSON near byte %d", s.d.InputOffset()), Allowed: "one JSON object"}
}

func text(field, v string) *fieldProblem {
	if strings.ContainsRune(v, 0) {
		return &fieldProblem{Field: strings.ReplaceAll(field, "\x00", "\uFFFD"), Problem: "holds NUL", Allowed: "text without NUL"}
	}
	return nil
}
