package pipeline_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/pipeline"
)

func mayBeThere(err error) bool {
	fate := new(pipeline.FateError)
	return errors.As(err, &fate) && fate.MayHave
}

// A request that went out a second time may have been taken the first time, whatever is
// answered to the second.
func TestRefusedTheSecondTime(t *testing.T) {
	t.Parallel()

	for name, body := range map[string]string{"small": "small", "large": strings.Repeat("large", 10_000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := crude(t, func(number int, c net.Conn, in *bufio.Reader) { // the first takes the second request
				request(in)
				if number == 1 {
					_, _ = io.WriteString(c, noContent)
					request(in)
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nlater")
			})
			post := func() error {
				return c.Post(t.Context(), pipeline.Request{Path: "/", Key: "k", Type: "text/plain", Body: []byte(body)}, nil)
			}
			if err := post(); err != nil {
				t.Fatal(err)
			}
			err := post()
			if status := new(pipeline.StatusError); !errors.As(err, &status) || status.Text != "later" || !mayBeThere(err) {
				t.Errorf("got %v (%T), want that it may be there", err, err)
			}
			if err := post(); mayBeThere(err) {
				t.Errorf("got %v (%T) of one that went out once", err, err)
			}
		})
	}
}

// A shaky is http.Transport as it tells of two connections, the first of which breaks.
type shaky struct{ written error }

func (s shaky) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	trace.GotConn(httptrace.GotConnInfo{})
	trace.WroteRequest(httptrace.WroteRequestInfo{Err: s.written})
	trace.GotConn(httptrace.GotConnInfo{})
	trace.WroteRequest(httptrace.WroteRequestInfo{})
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
}

// A connection on which the request was not written has brought nothing.
func TestTriedOnAConnectionInVain(t *testing.T) {
	t.Parallel()

	for name, written := range map[string]error{"written": nil, "not written": errors.New("broken pipe")} {
		c := pipeline.Client{URL: "http://neighbour", HTTP: &http.Client{Transport: shaky{written}}}
		err := c.Post(t.Context(), pipeline.Request{Path: "/", Key: "k"}, nil)
		if got, want := mayBeThere(err), written == nil; got != want {
			t.Errorf("%s: got %v that it may be there, want %v", name, got, want)
		}
	}
}
