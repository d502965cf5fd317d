package notify

import (
	"io"
	"net/http"
	"time"
)

const (
	// answerTime is how long a service may take for its whole answer.
	answerTime = 30 * time.Second
	// maxAnswer is how many bytes of it are read.
	maxAnswer = 64 << 10
)

// client is HTTP for what shoutrrr sends to a host of an address: it reads answers to
// their end, and the one who answers is a stranger.
func (s *Sender) client() *http.Client {
	own := *s.HTTP
	own.Transport, own.Timeout = bounded{s.HTTP.Transport}, answerTime
	return &own
}

// bounded cuts answers off.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // it stands for what it wraps
	}
	resp.Body = cut{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// A cut is the beginning of an answer.
type cut struct {
	io.Reader
	io.Closer
}
