package normalize_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/adapters/pipeline/normalize"
)

func remote(n *neighbourtest.Normalizer) *normalize.Process {
	return &normalize.Process{Client: pipeline.Client{URL: n.URL(), HTTP: pipeline.HTTPClient(2)}}
}

// Text is normalized elsewhere once it is UTF-8; the same bytes under the same name
// are asked for once.
func TestProcess(t *testing.T) {
	t.Parallel()

	n := neighbourtest.NewNormalizer(t)
	texts := normalize.New(remote(n), 1<<20)
	h := handover("a.go", []byte("package a // caf\xe9  \r\n\r\n"))
	h.File.Language = "Go"
	for range 2 {
		got, err := texts.Text(t.Context(), h)
		if err != nil || got.Content != "package a // café\n" || got.Language != "Go" || got.Extracted {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if _, err := texts.Text(t.Context(), handover("page.html", []byte("<p>seen"))); err != nil {
		t.Error(err)
	}
	if got := strings.Join(n.Paths, " "); got != "a.go page.html" {
		t.Errorf("got asked for %q", got)
	}
	if refused := n.Refused(); len(refused) > 0 {
		t.Errorf("got refused: %q", refused)
	}
}

// What it answers means what it means for every neighbour: an answer about the text
// is final, trouble is not, and the next try may succeed.
func TestProcessAnswers(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		status      int
		text        string
		final, fine bool
	}{
		"refused":        {status: 422, text: "no", final: true},
		"too large":      {status: 413, text: "no", final: true},
		"down":           {status: 503, text: "no"},
		"slow down":      {status: 429, text: "no"},
		"another file":   {status: 200, text: `{"files":[{"path":"b.go","content":"x"}]}`},
		"nothing":        {status: 200, text: `{}`},
		"left out":       {status: 200, text: `{"files":[]}`, fine: true},
		"a page":         {status: 200, text: `<html>`},
		"an error":       {status: 200, text: `{"files":[{"path":"a.go","error":"does not parse"}]}`, final: true},
		"no content":     {status: 200, text: `{"files":[{"path":"a.go","language":"Go"}]}`, fine: true},
		"no path":        {status: 200, text: `{"files":[{"content":"package a\n"}]}`, fine: true},
		"the other name": {status: 200, text: `{"files":[{"path":"a.go","normalized_content":"package a\n"}]}`, fine: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			n := neighbourtest.NewNormalizer(t)
			n.Reply = func(*http.Request, []byte) (int, string) { return tt.status, tt.text }
			got, err := normalize.New(remote(n), 1<<20).Text(t.Context(), handover("a.go", []byte("package a\n")))
			if (err == nil) != tt.fine || pipeline.IsFinal(err) != tt.final || tt.fine && got.Content != "package a\n" {
				t.Errorf("got %q, %v, want final: %t, fine: %t", got.Content, err, tt.final, tt.fine)
			}
		})
	}
}

// What is too large for its body is not sent.
func TestProcessTooLarge(t *testing.T) {
	t.Parallel()

	n := neighbourtest.NewNormalizer(t)
	data := []byte(strings.Repeat("line\n", 500_000))
	if got, err := normalize.New(remote(n), 1<<20).Text(t.Context(), handover("a.txt", data)); err != nil || len(got.Content) != len(data) {
		t.Errorf("got %d bytes, %v", len(got.Content), err)
	}
	if asked, _ := n.Asked(); asked != 0 {
		t.Errorf("got %d requests, want none", asked)
	}
}
