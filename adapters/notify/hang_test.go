package notify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/notify"
)

const (
	patience = 300 * time.Millisecond
	tries    = 2
)

// hang sends to a service that never answers, as often as tries says, then waits until
// its input ends. 0: each try ended in time, for the reason that it did.
func hang(sender *notify.Sender, address string) int {
	for range tries {
		if err := tryBriefly(context.Background(), sender, address); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			return 1
		}
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 0
}

// tryBriefly sends to who never answers.
func tryBriefly(ctx context.Context, sender *notify.Sender, address string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begun := time.Now()
	err := sender.Send(ctx, service(address), "1", message)
	if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "token") {
		return fmt.Errorf("got %w, want that it does not answer", err)
	}
	if took := time.Since(begun); took > patience+5*time.Second {
		return fmt.Errorf("a message took %s", took)
	}
	return nil
}

// A service that takes a message and never answers holds up nothing and leaves nothing
// open, message after message, wherever it is.
func TestServicesThatHang(t *testing.T) {
	t.Parallel()

	for name, address := range map[string]string{
		"slack":      "slack://hook:WNA3PBYV6-F20DUQND3RQ-Webc4MAvoacrpPakR8phF0zi@webhook",
		"slack bot":  "slack://xoxb:123456789012-1234567890123-4mt0t4l1YL3g1T5L4cK70k3N@C001CH4NN3L",
		"discord":    "discord://token@4711",
		"googlechat": "googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=bar&token=baz",
		"pushover":   "pushover://:abcdefghijklmnopqrstuvwxyz1234@abcdefghijklmnopqrstuvwxyz5678",
		"teams":      "teams://11111111-4444-4444-8444-cccccccccccc@22222222-4444-4444-8444-cccccccccccc/33333333012222222222333333333344/44444444-4444-4444-8444-cccccccccccc/V2ESyij_gAljSoUQHvZoZYzlpAoAXExyOl26dlf1xHEx05?host=test.webhook.office.com",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			left := make(chan struct{}, 100)
			p := newMuteProxy(t, left)
			child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this program
			child.Env = []string{
				childVariable + "=" + address, patienceVariable + "=1", "HTTPS_PROXY=" + p.URL, "SSL_CERT_FILE=" + p.Authority, "SSL_CERT_DIR=/nonexistent",
			}
			child.Stderr = os.Stderr
			goOn, err := child.StdinPipe()
			if err == nil {
				err = child.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			awaitLeft(t, left)
			if err := errors.Join(goOn.Close(), child.Wait()); err != nil {
				t.Error(err)
			}
		})
	}
	for name, address := range map[string]string{
		"generic": "generic://%s/hook?template=json", "gotify": "gotify://%s/AzyoeNS.D4iJLVa", "mattermost": "mattermost://%s/token",
		"ntfy": "ntfy://%s/topic", "pagerduty": "pagerduty://%s/eb243592faa24ba2a5511afdf565c889", "rocketchat": "rocketchat://%s/tokenA/tokenB/@me",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			left := make(chan struct{}, 100)
			server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // before, a server does not notice that somebody hangs up
				<-r.Context().Done()
				left <- struct{}{}
				panic(http.ErrAbortHandler) // an answer could still come in time
			}))
			t.Cleanup(server.Close)
			at := server.Listener.Addr().String()
			sender := &notify.Sender{HTTP: via(at, server), Clock: clock.System{}, Host: anywhere}
			for range tries {
				if err := tryBriefly(t.Context(), sender, fmt.Sprintf(address, hostOf(name, at))); err != nil {
					t.Error(err)
				}
			}
			awaitLeft(t, left)
		})
	}
}

// awaitLeft waits until each try has hung up.
func awaitLeft(t *testing.T, left <-chan struct{}) {
	t.Helper()
	late := time.After(10 * time.Second)
	for n := range tries {
		select {
		case <-left:
		case <-late:
			t.Fatalf("%d of %d have hung up", n, tries)
		}
	}
}
