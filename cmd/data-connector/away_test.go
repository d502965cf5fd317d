package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// A gap stands between a service and the broker. Until it is bridged it lets nobody
// through: it hangs up, or it is silent.
type gap struct {
	listener net.Listener
	target   string
	silent   bool

	mu      sync.Mutex
	bridged bool
	conns   []net.Conn
}

func newGap(t *testing.T, target string, silent bool) *gap {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gap{listener: l, target: target, silent: silent}
	go g.serve()
	t.Cleanup(func() {
		_ = l.Close() // ends serve
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, c := range g.conns {
			_ = c.Close() // it may be closed
		}
	})
	return g
}

func (g *gap) serve() {
	for {
		from, err := g.listener.Accept()
		if err != nil {
			return
		}
		if to := g.dial(from); to != nil {
			go forward(from, to)
			go forward(to, from)
		}
	}
}

// dial is nil while nobody gets through.
func (g *gap) dial(from net.Conn) net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns = append(g.conns, from)
	if g.bridged {
		to, err := net.Dial("tcp", g.target) //nolint:noctx // the broker is near
		if err == nil {
			g.conns = append(g.conns, to)
			return to
		}
	}
	if g.bridged || !g.silent {
		_ = from.Close() // the client sees a lost connection
	}
	return nil
}

// forward ends when either side does; the other one is closed by then.
func forward(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

func (g *gap) bridge() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bridged = true
}

// startAway is startChild with a broker behind a gap; it waits until the child
// serves without it.
func startAway(t *testing.T, env []string, silent bool, args ...string) (c *child, served <-chan string, g *gap) {
	t.Helper()
	broker, _, _ := strings.Cut(mapOf(env)["KAFKA_BOOTSTRAP_SERVERS"], ",")
	g = newGap(t, broker, silent)
	c, served = launchChild(t, with(env, faults.Via+"="+g.listener.Addr().String(), "STARTUP_TIMEOUT="+briefly.String()), args...)
	select {
	case c.URL = <-c.alone:
	case <-c.ended:
		t.Fatalf("ended without Kafka:\n%s", c.log())
	case <-time.After(startTime):
		t.Fatalf("does not serve without Kafka:\n%s", c.log())
	}
	return c, served, g
}

// briefly is a STARTUP_TIMEOUT that a start without Kafka outlasts.
const briefly = kafkaPatience + time.Second

// A process that is started while Kafka is away takes webhooks and answers reads. It
// refuses orders, says what is missing, and ends when it is asked to. When Kafka is
// back it goes on by itself, with all that was sent meanwhile.
func TestStartWithoutKafka(t *testing.T) {
	t.Parallel()

	f := newForge(t, "PUBLIC_BASE_URL=https://data.example.com")
	f.repo.Commit("main", gittest.Put("a", "a"))
	f.serve()
	source := f.connect(nil)
	follow(t, f.env, source).change(t, "hook_registered")
	path, secret := f.hook()
	f.server.stop(t)
	f.repo.Commit("main", gittest.Put("b", "b"))

	first, _, _ := startAway(t, f.env, true, "serve")
	f.server = first
	deliveries := []string{f.deliver("push", f.push()), f.deliverTo(path, secret)}
	f.checkAlone(source)
	f.checkRefused(path, "another secret")
	select {
	case <-first.ended:
		t.Fatalf("ended without Kafka:\n%s", first.log())
	case <-time.After(briefly - kafkaPatience/2): // it is late by half of that
	}
	http.DefaultClient.CloseIdleConnections() // one that nothing was sent on holds a server for 5 s
	begun := time.Now()
	first.stop(t)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %s to end while Kafka is silent", took)
	}

	second, served, way := startAway(t, f.env, false, "serve")
	f.server = second
	deliveries = append(deliveries, f.deliver("push", f.push()))
	way.bridge()
	select {
	case second.URL = <-served:
	case <-second.ended:
		t.Fatalf("ended when Kafka was back:\n%s", second.log())
	case <-time.After(startTime):
		t.Fatalf("does not find Kafka:\n%s", second.log())
	}
	f.checkHeard(source, deliveries)
	f.server.stop(t)
}

// checkAlone: without Kafka the tables answer, and nothing is ordered.
func (f *forge) checkAlone(source string) {
	f.t.Helper()
	var sources struct{ Sources []struct{ ID string } }
	if status := fetch(f.t, f.server.URL+"/sources", &sources); status != http.StatusOK || len(sources.Sources) != 1 || sources.Sources[0].ID != source {
		f.t.Errorf("sources without Kafka: got %d %v", status, sources)
	}
	for order, body := range map[string]any{
		"/sources":                     payload{"type": f.provider, "config": f.config, "accessToken": forgeToken},
		"/sources/" + source + "/sync": payload{"type": "full"},
	} {
		status, answer := f.post(order, body)
		if status != http.StatusServiceUnavailable || !strings.Contains(string(answer), "the log has not answered since this process started") {
			f.t.Errorf("POST %s without Kafka: got %d %s, want 503 and why", order, status, answer)
		}
	}
	f.checkUnread("/sources/" + source + "/events")
	var health struct {
		Status, Database string
		Services         map[string]string
	}
	status := fetch(f.t, f.server.URL+"/health", &health)
	if status != http.StatusServiceUnavailable || health.Database != "healthy" || health.Services["kafka"] != "unhealthy" || health.Services["tables"] != "healthy" {
		f.t.Errorf("health without Kafka: got %d %+v", status, health)
	}
	if status := fetch(f.t, f.server.URL+"/readyz", &health); status != http.StatusServiceUnavailable {
		f.t.Errorf("readyz without Kafka: got %d, want 503", status)
	}
	resp := request(f.t, http.MethodGet, f.server.URL+"/metrics", nil)
	defer func() { _ = resp.Body.Close() }() // read to its end
	if metrics, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(metrics), "dataconnector_sources{") {
		f.t.Errorf("metrics without Kafka: got %v, %d bytes, want what needs no Kafka", err, len(metrics))
	}
}

// checkUnread: what is read from the log is refused without Kafka, instead of waiting
// for a broker that is silent.
func (f *forge) checkUnread(path string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.server.URL+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Errorf("%s without Kafka: got %v, want 503", path, err)
		return
	}
	if closed := resp.Body.Close(); resp.StatusCode != http.StatusServiceUnavailable || closed != nil {
		f.t.Errorf("%s without Kafka: got %d, %v, want 503", path, resp.StatusCode, closed)
	}
}

// checkHeard waits until deliveries are on the log, the inbox is empty, and a sync
// behind them has made the rows what the repository is.
func (f *forge) checkHeard(source string, deliveries []string) {
	f.t.Helper()
	events, missing := follow(f.t, f.env, source), map[string]bool{}
	for _, id := range deliveries {
		missing[id] = true
	}
	events.until(f.t, strings.Join(deliveries, ", "), func(e followed) bool {
		if e.Data.Hint != nil {
			delete(missing, e.Data.Hint.DeliveryID)
		}
		return len(missing) == 0
	})
	done, _ := events.change(f.t, "sync_completed")
	f.await(source, done.Position)
	var files struct{ Files []struct{ Path string } }
	if fetch(f.t, f.server.URL+"/sources/"+source+"/files", &files); len(files.Files) != 2 || files.Files[1].Path != "b" {
		f.t.Errorf("got files %v, want a and b", files)
	}
	awaitRow(f.t, database(f.t, f.env), `SELECT count(*) FROM app.hint_inbox`, 0)
	if status := fetch(f.t, f.server.URL+"/readyz", &json.RawMessage{}); status != http.StatusOK {
		f.t.Errorf("readyz with Kafka back: got %d, want 200", status)
	}
}

// Who serves without api, or from tables that were never filled, gives up.
func TestStartWithoutKafkaInVain(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a"})
	env := serveEnv(t, dir)
	away := with(env, "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1", "STARTUP_TIMEOUT=5s")
	gaveUp := func(what string, args ...string) {
		t.Helper()
		if r := call(t, away, append([]string{"serve"}, args...)...); r.code != exitFailed || !strings.Contains(r.err, "kafka did not answer within STARTUP_TIMEOUT=5s") {
			t.Errorf("%s: got exit code %d and %q", what, r.code, r.err)
		}
	}
	gaveUp("tables that were never filled")
	server := startChild(t, env, "serve")
	connect(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	server.stop(t)
	gaveUp("without the role api", "--roles=projector,scheduler,syncer,dispatcher")
	db := database(t, env)
	if _, err := db.Exec(t.Context(), `DELETE FROM read.sources`); err != nil { // as when it died while it filled them
		t.Fatal(err)
	}
	gaveUp("a connected source that the tables do not hold")
}
