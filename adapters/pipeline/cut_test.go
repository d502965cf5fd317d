package pipeline_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/confuse/data-connector/adapters/pipeline"
)

// A success that is cut off is a lost answer: the neighbour may have died in it. One that
// came as a whole and makes no sense is something else.
func TestCutAnswerIsNotUnreadable(t *testing.T) {
	t.Parallel()

	for name, want := range map[string]bool{"cut": false, "odd": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if name == "cut" {
					w.Header().Set("Content-Length", "100")
				}
				_, _ = w.Write([]byte(`{"accepted": `)) // the client may be gone
			}))
			defer s.Close()
			c := pipeline.Client{URL: s.URL, HTTP: pipeline.HTTPClient(1)}
			var out struct{}
			err := c.PostJSON(t.Context(), "/", "key", struct{}{}, &out)
			unreadable := new(pipeline.UnreadableError)
			if err == nil || pipeline.IsFinal(err) || errors.As(err, &unreadable) != want {
				t.Errorf("got %v, want unreadable: %t", err, want)
			}
		})
	}
}
