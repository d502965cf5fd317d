package neighbourtest

import (
	"strings"
	"testing"
)

// A Normalizer stands in for code-normalize-fetch: a pure function, which here
// takes trailing blanks away.
type Normalizer struct {
	*Server
	Paths []string // that it was asked for
}

// NewNormalizer starts one for the time of a test.
func NewNormalizer(t *testing.T) *Normalizer {
	t.Helper()
	n := &Normalizer{}
	n.Server = newServer(t, map[string]route{"POST /process": n.process, "GET /health": healthy})
	return n
}

func (n *Normalizer) process(body []byte) (func(), any, *refusal) {
	o, err := parse(body)
	if err != nil {
		return nil, nil, unprocessable(err.Error())
	}
	list, err := o.list("files")
	if err != nil {
		return nil, nil, unprocessable(err.Error())
	}
	var paths []string
	answers := make([]any, len(list))
	for i, f := range list {
		if err := f.required(map[string]check{"path": isString, "content": isString}); err != nil {
			return nil, nil, unprocessable(err.Error())
		}
		paths = append(paths, f.text("path"))
		answers[i] = map[string]any{"path": f["path"], "content": strings.TrimRight(f.text("content"), " \n") + "\n", "language": f["language"], "entities": []any{}}
	}
	return func() { n.Paths = append(n.Paths, paths...) }, map[string]any{"files": answers}, nil
}
