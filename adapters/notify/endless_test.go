package notify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/notify"
)

// A host that never ends its answer neither fills the memory nor keeps its target
// busy for good.
func TestEndlessAnswers(t *testing.T) {
	t.Parallel()

	for name, address := range map[string]string{
		"gotify": "gotify://%s/AzyoeNS.D4iJLVa", "ntfy": "ntfy://%s/topic",
		"pagerduty": "pagerduty://%s/eb243592faa24ba2a5511afdf565c889", "rocketchat": "rocketchat://%s/tokenA/tokenB/@me",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusTeapot)
				for page, n := make([]byte, 1<<20), 0; n < 8 && r.Context().Err() == nil; n++ {
					_, _ = w.Write(page) // to whoever may be gone
				}
				<-r.Context().Done()
			}))
			t.Cleanup(server.Close)
			t.Cleanup(server.CloseClientConnections)
			at := server.Listener.Addr().String()
			sender := &notify.Sender{HTTP: via(at, server), Clock: clock.System{}, Host: anywhere}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := sender.Send(ctx, service(fmt.Sprintf(address, hostOf(name, at))), "1", message)
			if err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the refusal", err)
			}
		})
	}
}
