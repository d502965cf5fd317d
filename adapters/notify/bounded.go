package notify

import (
	"context"
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
// their end, and the one who answers is a stranger. It knows no context: here all ends
// with ctx.
func (s *Sender) client(ctx context.Context) *http.Client {
	own := *s.HTTP
	own.Transport, own.Timeout = bounded{ctx, s.HTTP.Transport}, answerTime
	return &own
}

// home is client for hosts that nobody chooses, which may be behind a proxy.
func home(ctx context.Context) *http.Client {
	return &http.Client{Transport: bounded{ctx, http.DefaultTransport}, Timeout: answerTime}
}

// bounded cuts answers off, by their length and by the end of a context.
type bounded struct {
	ctx context.Context
	http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	both, cancel := context.WithCancel(req.Context())
	stop := context.AfterFunc(b.ctx, cancel)
	end := func() { stop(); cancel() }
	resp, err := b.RoundTripper.RoundTrip(req.WithContext(both))
	if err != nil {
		end()
		return nil, err //nolint:wrapcheck // it stands for what it wraps
	}
	resp.Body = cut{io.LimitReader(resp.Body, maxAnswer), resp.Body, end}
	return resp, nil
}

// A cut is the beginning of an answer.
type cut struct {
	io.Reader
	body io.Closer
	end  func()
}

// Close implements io.Closer.
func (c cut) Close() error {
	defer c.end()
	return c.body.Close() //nolint:wrapcheck // it stands for what it wraps
}

// rest sleeps no longer than until a context ends: discord.Sleeper.
type rest struct{ ctx context.Context }

// Sleep implements discord.Sleeper.
func (r rest) Sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx.Done():
	}
}
