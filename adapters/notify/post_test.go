package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confuse/data-connector/adapters/notify"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A clumsy sender does what the target's address says.
type clumsy struct {
	ingest.NotifySender
	mu    sync.Mutex
	tries map[string]int
}

func (c *clumsy) Send(ctx context.Context, t ingest.NotifyTarget, _ string, _ ingest.NotifyMessage) error {
	how := string(t.URL)
	c.mu.Lock()
	c.tries[how]++
	n := c.tries[how]
	c.mu.Unlock()
	switch how {
	case "panics":
		panic("this target is too much")
	case "hangs":
		<-ctx.Done()
		return ctx.Err()
	case "down":
		return domain.ErrTransient
	case "refuses":
		return domain.ErrForbidden
	case "cut once":
		if n == 1 {
			return domain.ErrTransient
		}
	}
	return nil
}

// A target that hangs, panics or fails holds up no other one, and who sends hears
// of it; a connection that is cut once is tried again at once.
func TestPost(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		c := &clumsy{tries: map[string]int{}}
		post := notify.NewPost(c, slog.New(slog.DiscardHandler))
		running, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- post.Run(running) }()
		send := func(how string) error {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			return post.Send(ctx, ingest.NotifyTarget{URL: domain.Secret(how)}, "1", ingest.NotifyMessage{})
		}
		var hanging sync.WaitGroup
		for range 200 {
			hanging.Go(func() {
				if err := send("hangs"); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, domain.ErrTransient) {
					t.Errorf("hangs: got %v", err)
				}
			})
		}
		synctest.Wait()
		for how, want := range map[string]struct {
			fails bool
			tries int
		}{"fine": {false, 1}, "cut once": {false, 2}, "down": {true, 3}, "refuses": {true, 1}, "panics": {true, 1}} {
			start := time.Now()
			if err := send(how); err != nil != want.fails || time.Since(start) > 5*time.Second {
				t.Errorf("%s: got %v after %s", how, err, time.Since(start))
			}
			if c.tries[how] != want.tries {
				t.Errorf("%s: got %d tries, want %d", how, c.tries[how], want.tries)
			}
		}
		hanging.Wait()
		stop()
		<-ended
	})
}
