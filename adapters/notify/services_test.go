package notify_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/notify"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// childVariable is the address that this program, started once more, sends one
// message to: what services at home connect with is set by the environment.
const childVariable = "NOTIFY_TEST_ADDRESS"

func TestMain(m *testing.M) {
	address := os.Getenv(childVariable)
	if address == "" {
		os.Exit(m.Run())
	}
	sender := &notify.Sender{HTTP: rest.Guarded(nil), Clock: clock.System{}, Host: nowhere}
	if os.Getenv(patienceVariable) != "" {
		os.Exit(hang(sender, address))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := sender.Send(ctx, service(address), "1", message)
	if cancel(); err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
}

// patienceVariable, when it is set, makes it try twice for a short time.
const patienceVariable = "NOTIFY_TEST_PATIENCE"

var message = ingest.NotifyMessage{Title: "docs: deletes_held", Text: "900 deletes wait for a release."}

func service(address string) ingest.NotifyTarget {
	return ingest.NotifyTarget{Kind: ingest.NotifyService, URL: domain.Secret(address)}
}

// anywhere lets every host be reached; mail only goes to addresses.
func anywhere(_ context.Context, host string) (netip.Addr, error) {
	at, _ := netip.ParseAddr(host) // else: none
	return at, nil
}

func nowhere(context.Context, string) (netip.Addr, error) { return netip.Addr{}, domain.ErrForbidden }

// A post is what a service was sent.
type post struct{ method, url, body, title, authorization string }

// A collector keeps what it is sent.
type collector struct {
	mu  sync.Mutex
	got []post
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, post{r.Method, r.Host + r.URL.RequestURI(), string(body), r.Header.Get("Title"), r.Header.Get("Authorization")})
	switch r.Host {
	case "hooks.slack.com":
		_, _ = w.Write([]byte("ok"))
	case "discord.com":
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/v2/enqueue") {
			w.WriteHeader(http.StatusAccepted)
		}
		_, _ = w.Write([]byte(`{"ok":true,"id":1,"status":1}`))
	}
}

func (c *collector) last(t *testing.T) post {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.got) != 1 {
		t.Fatalf("got %d requests, want one: %+v", len(c.got), c.got)
	}
	return c.got[0]
}

// Each service that is reached at a host of the address hands the message over
// there, title and text.
func TestHostedServices(t *testing.T) {
	t.Parallel()

	tests := map[string]struct{ address, path, more string }{
		"generic":          {"generic://%s/hook?template=json&@Authorization=Bearer+top&$room=ops", "/hook", `"room":"ops"`},
		"generic, as text": {"generic://%s/hook?key=1", "/hook?key=1", ""},
		"gotify":           {"gotify://%s/AzyoeNS.D4iJLVa", "/message?token=AzyoeNS.D4iJLVa", ""},
		"mattermost":       {"mattermost://%s/token", "/hooks/token", ""},
		"ntfy":             {"ntfy://%s/topic", "/topic", ""},
		"pagerduty":        {"pagerduty://%s/eb243592faa24ba2a5511afdf565c889", "/v2/enqueue", `"routing_key":"eb243592faa24ba2a5511afdf565c889"`},
		"rocketchat":       {"rocketchat://%s/tokenA/tokenB/@me", "/hooks/tokenA/tokenB", `"channel":"@me"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := &collector{}
			server := httptest.NewTLSServer(got)
			t.Cleanup(server.Close)
			at := server.Listener.Addr().String()
			sender := &notify.Sender{HTTP: via(at, server), Clock: clock.System{}, Host: anywhere}
			if err := sender.Send(t.Context(), service(fmt.Sprintf(tt.address, hostOf(name, at))), "1", message); err != nil {
				t.Fatal(err)
			}
			p := got.last(t)
			if _, url, _ := strings.Cut(p.url, "/"); p.method != http.MethodPost || "/"+url != tt.path || !strings.Contains(p.body, message.Text) || !strings.Contains(p.body, tt.more) {
				t.Errorf("got %+v", p)
			}
			if withTitle := name != "generic, as text"; withTitle && !strings.Contains(p.body+p.title, message.Title) {
				t.Errorf("got no title in %s", p.body)
			}
			server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusServiceUnavailable) })
			if err := sender.Send(t.Context(), service(fmt.Sprintf(tt.address, hostOf(name, at))), "1", message); err == nil {
				t.Error("it is in trouble, and that is not told")
			}
			if name == "generic" && p.authorization != "Bearer top" {
				t.Errorf("got %+v, want the header of the address", p)
			}
		})
	}
}

// hostOf is what an address names: pagerduty's have no port.
func hostOf(name, at string) string {
	if name == "pagerduty" {
		return "events.eu.pagerduty.com"
	}
	return at
}

// via is a client that comes to a server whatever the host.
func via(at string, server *httptest.Server) *http.Client {
	client := server.Client()
	transport := client.Transport.(*http.Transport).Clone() //nolint:forcetypeassert // it is httptest's
	transport.TLSClientConfig.ServerName = "example.com"
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, at)
	}
	client.Transport = transport
	return client
}

// Services at hosts that nobody chooses are reached there, and tell when they are
// not, or in trouble.
func TestServicesAtHome(t *testing.T) {
	t.Parallel()

	tests := map[string]struct{ address, url string }{
		"slack":      {"slack://hook:WNA3PBYV6-F20DUQND3RQ-Webc4MAvoacrpPakR8phF0zi@webhook", "hooks.slack.com/services/WNA3PBYV6/F20DUQND3RQ/Webc4MAvoacrpPakR8phF0zi"},
		"discord":    {"discord://token@4711", "discord.com/api/webhooks/4711/token"},
		"googlechat": {"googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=bar&token=baz", "chat.googleapis.com/v1/spaces/FOO/messages?key=bar&token=baz"},
		"pushover":   {"pushover://:abcdefghijklmnopqrstuvwxyz1234@abcdefghijklmnopqrstuvwxyz5678", "api.pushover.net/1/messages.json"},
		"teams": {
			"teams://11111111-4444-4444-8444-cccccccccccc@22222222-4444-4444-8444-cccccccccccc/33333333012222222222333333333344/44444444-4444-4444-8444-cccccccccccc/V2ESyij_gAljSoUQHvZoZYzlpAoAXExyOl26dlf1xHEx05?host=test.webhook.office.com",
			"test.webhook.office.com/webhookb2/11111111-4444-4444-8444-cccccccccccc@22222222-4444-4444-8444-cccccccccccc/IncomingWebhook/33333333012222222222333333333344/44444444-4444-4444-8444-cccccccccccc/V2ESyij_gAljSoUQHvZoZYzlpAoAXExyOl26dlf1xHEx05",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := &collector{}
			if err := sendVia(t, tt.address, newProxy(t, got.ServeHTTP)); err != nil {
				t.Fatal(err)
			}
			p := got.last(t)
			said := strings.ReplaceAll(p.body, "+", " ")
			if p.url != tt.url || !strings.Contains(said, "900 deletes wait for a release.") || !strings.Contains(said, "deletes_held") {
				t.Errorf("got %+v, want %s", p, tt.url)
			}
			broken := newProxy(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusServiceUnavailable) })
			if err := sendVia(t, tt.address, broken); err == nil {
				t.Error("it is in trouble, and that is not told")
			}
			if err := sendVia(t, tt.address, newProxy(t, nil)); err == nil {
				t.Error("it is away, and that is not told")
			}
		})
	}
}

// sendVia sends from a process that reaches the internet through a proxy alone.
func sendVia(t *testing.T, address string, p *proxy) error {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this program
	child.Env = []string{childVariable + "=" + address, "HTTPS_PROXY=" + p.URL, "SSL_CERT_FILE=" + p.Authority, "SSL_CERT_DIR=/nonexistent"}
	out, err := child.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// Mail is handed to a server that speaks SMTP; a name with a line end adds no header.
func TestMail(t *testing.T) {
	t.Parallel()

	server := newMailServer(t)
	sender := &notify.Sender{HTTP: rest.Guarded(nil), Clock: clock.System{}, Host: anywhere}
	m := message
	m.Title = "docs\r\nBcc: eve@example.org\r\n: deletes_held"
	address := "smtp://ann:top-secret@" + server.addr + "/?from=dc@example.org&to=ops@example.org"
	if err := sender.Send(t.Context(), service(address), "1", m); err != nil {
		t.Fatal(err)
	}
	got := <-server.got
	if got.from != "FROM:<dc@example.org>" && !strings.HasPrefix(got.from, "FROM:<dc@example.org> ") || got.to != "TO:<ops@example.org>" {
		t.Errorf("got a mail from %q to %q", got.from, got.to)
	}
	if got.header.Get("Bcc") != "" || got.header.Get("Subject") != "docs  Bcc: eve@example.org  : deletes_held" || !strings.Contains(got.body, m.Text) {
		t.Errorf("got %+v", got)
	}
	if login, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(got.login, "PLAIN ")); err != nil || string(login) != "\x00ann\x00top-secret" {
		t.Errorf("got the login %q, %v", login, err)
	}
}

// Nobody reaches the operator's own network through a message: not by the host of
// an address, nor by a redirect from a public one.
func TestNoWayInside(t *testing.T) {
	t.Parallel()

	inside := &collector{}
	private := httptest.NewServer(inside)
	t.Cleanup(private.Close)
	at := private.Listener.Addr().String()
	closed := &notify.Sender{HTTP: rest.Guarded(nil), Clock: clock.System{}, Host: nowhere}
	for _, address := range []string{
		"generic://" + at + "/?disabletls=yes", "generic://169.254.169.254/latest?disabletls=yes", "gotify://" + at + "/AzyoeNS.D4iJLVa?disabletls=yes",
		"mattermost://" + at + "/token?disabletls=yes", "ntfy://" + at + "/topic?scheme=http", "pagerduty://127.0.0.1/eb243592faa24ba2a5511afdf565c889",
		"rocketchat://" + at + "/tokenA/tokenB", "googlechat://" + at + "/v1/spaces/FOO/messages?key=bar&token=baz", "smtp://" + at + "/?from=a@example.org&to=b@example.org",
		"telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1@telegram?chats=@ops", "matrix://user:pw@" + at + "/?disabletls=yes", "zulip://bot:key@" + at + "/?stream=a", "logger://", "generic+http://" + at + "/",
	} {
		if err := closed.Send(t.Context(), service(address), "1", message); err == nil {
			t.Errorf("%s was reached", address)
		}
	}
	webhook := ingest.NotifyTarget{Kind: ingest.NotifyWebhook, URL: domain.Secret("http://" + at), Secret: secret}
	if err := closed.Send(t.Context(), webhook, "1", message); err == nil {
		t.Error("a webhook came inside")
	}
	// The public one stands in a network that is let pass; where it sends one is not.
	public := httptest.NewUnstartedServer(http.RedirectHandler("http://"+at+"/inside", http.StatusTemporaryRedirect))
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	public.Listener = listener
	public.Start()
	t.Cleanup(public.Close)
	open := &notify.Sender{HTTP: rest.Guarded([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}), Clock: clock.System{}, Host: anywhere}
	for _, target := range []ingest.NotifyTarget{
		service("generic://" + listener.Addr().String() + "/?disabletls=yes"), service("mattermost://" + listener.Addr().String() + "/token?disabletls=yes"),
		service("gotify://" + listener.Addr().String() + "/AzyoeNS.D4iJLVa?disabletls=yes"), service("ntfy://" + listener.Addr().String() + "/topic?scheme=http"),
		{Kind: ingest.NotifyWebhook, URL: domain.Secret(public.URL), Secret: secret},
	} {
		if err := open.Send(t.Context(), target, "1", message); err == nil {
			t.Errorf("%s was taken", string(target.URL))
		}
	}
	if len(inside.got) > 0 {
		t.Errorf("got inside: %+v", inside.got)
	}
}
