package notify_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/notify"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// A tarpit is a mail server that answers the first lines, and then hangs or dribbles.
type tarpit struct {
	addr    string
	replies []string
	dribble bool

	left chan struct{} // one for each connection that the client has closed
}

func newTarpit(t *testing.T, dribble bool, replies ...string) *tarpit {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &tarpit{addr: listener.Addr().String(), replies: replies, dribble: dribble, left: make(chan struct{}, 1000)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go s.serve(conn)
		}
	}()
	return s
}

func (s *tarpit) serve(conn net.Conn) {
	lines := bufio.NewReader(conn)
	for _, reply := range s.replies {
		_, _ = io.WriteString(conn, reply)
		if _, err := lines.ReadString('\n'); err != nil {
			break
		}
	}
	for s.dribble {
		if _, err := io.WriteString(conn, "250-still here\r\n"); err != nil {
			break
		}
	}
	_, _ = io.Copy(io.Discard, lines) // until the client goes
	s.left <- struct{}{}
}

// Mail servers that hang anywhere in a message hold nobody up and nothing open: not
// another target, not the same one later, whatever their addresses are.
func TestTarpit(t *testing.T) {
	t.Parallel()

	for name, server := range map[string]*tarpit{
		"no greeting":      newTarpit(t, false),
		"no hello":         newTarpit(t, false, "220 mail.test\r\n"),
		"endless greeting": newTarpit(t, true),
		"no answer":        newTarpit(t, false, "220 mail.test\r\n", "250 hello\r\n", "250 from\r\n", "250 to\r\n", "354 go on\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			sender := &notify.Sender{HTTP: rest.Guarded(nil), Clock: clock.System{}, Host: anywhere}
			address := func(n int) string {
				return fmt.Sprintf("smtp://%s/?from=a@example.org&to=top-secret%d@example.org", server.addr, n)
			}
			const targets = 20
			var all sync.WaitGroup
			for n := range targets {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					defer cancel()
					err := sender.Send(ctx, service(address(n%10)), "1", message)
					if err == nil || strings.Contains(err.Error(), "top-secret") || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, domain.ErrTransient) {
						t.Errorf("got %v", err)
					}
				})
			}
			good := newMailServer(t)
			if err := sender.Send(t.Context(), service("smtp://"+good.addr+"/?from=a@example.org&to=b@example.org"), "1", message); err != nil {
				t.Errorf("a target beside it: %v", err)
			}
			all.Wait()
			late := time.After(10 * time.Second)
			for n := range targets {
				select {
				case <-server.left:
				case <-late:
					t.Fatalf("%d of %d connections were closed", n, targets)
				}
			}
		})
	}
}

// A token, and what is to be encrypted, goes to no server that does not encrypt.
func TestMailInTheClear(t *testing.T) {
	t.Parallel()

	server := newMailServer(t)
	sender := &notify.Sender{HTTP: rest.Guarded(nil), Clock: clock.System{}, Host: anywhere}
	for _, query := range []string{"auth=OAuth2", "encryption=ExplicitTLS", "requirestarttls=yes"} {
		err := sender.Send(t.Context(), service("smtp://ann:top-secret@"+server.addr+"/?from=dc@example.org&to=ops@example.org&"+query), "1", message)
		if !errors.Is(err, domain.ErrTransient) {
			t.Errorf("%s: got %v", query, err)
		}
	}
	select {
	case got := <-server.got:
		t.Errorf("got %+v in the clear", got)
	default:
	}
}
