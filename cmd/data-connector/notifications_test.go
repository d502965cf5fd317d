package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// People are told of a file that a neighbour refuses, and once it is over. What
// their addresses say is kept from everybody else.
func TestNotifications(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"bad.md": "1", "good.md": "1"})
	r := newReceiver(t)
	r.refuse = func(d delivery) int {
		if d.File.Path == "bad.md" {
			return http.StatusUnprocessableEntity
		}
		return 0
	}
	told := make(chan string, 100)
	people := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if body, err := io.ReadAll(req.Body); err == nil {
			told <- req.URL.Path + " " + req.Header.Get("Webhook-Signature") + " " + string(body)
		}
	}))
	t.Cleanup(people.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(receiverSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	env := with(serveEnv(t, dir), append(r.env(), "PRIVATE_NETWORKS=127.0.0.0/8", "VAULT_KEYSET_FILE="+filepath.Join(t.TempDir(), "keys.json"))...)
	must(t, env, "vault", "init")
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	db := database(t, env)
	const refused = `SELECT count(*) FROM read.file_stages WHERE state = 'failed'`
	awaitRow(t, db, refused, 1)
	must(t, cli, "notifications", "add", "generic"+strings.TrimPrefix(people.URL, "http")+"/address-one?disabletls=yes&template=json", "--name", "one")
	must(t, cli, "notifications", "add", people.URL+"/address-two", "--secret-file", secret, "--source", source, "--on", "dead_letters")
	must(t, cli, "notifications", "add", people.URL+"/address-three", "--secret-file", secret, "--threshold", "1")
	if bad := call(t, cli, "notifications", "add", "generic://169.254.169.254/latest?disabletls=yes"); bad.code == exitOK || !strings.Contains(bad.err, "url") {
		t.Errorf("an address inside: got %d %s", bad.code, bad.err)
	}

	log := server.log()
	server.stop(t)
	server = startChild(t, env, "serve") // it looks at once
	awaitTold(t, told, "dead_letters", source)
	cli = with(env, "DATA_CONNECTOR_URL="+server.URL)
	shown := must(t, cli, "notifications", "list", "--json") + must(t, cli, "notifications", "list")

	r.mu.Lock()
	r.refuse = nil
	r.mu.Unlock()
	must(t, cli, "dead-letters", "retry", "--all")
	awaitRow(t, db, refused, 0)
	log += server.log()
	server.stop(t)
	server = startChild(t, env, "serve")
	awaitTold(t, told, "recovered from dead_letters", source)
	log += server.log()
	for where, text := range map[string]string{"the log": log, "the list": shown, "the database": appRows(t, db), "events": must(t, env, "events", "tail", "--from", "beginning", "--follow=false", "--json")} {
		if strings.Contains(text, "address-") || strings.Contains(text, receiverSecret) {
			t.Errorf("%s shows an address or a secret", where)
		}
	}
	server.stop(t)
}

// awaitTold waits for one message to each of the two who are to be told.
func awaitTold(t *testing.T, told <-chan string, what, source string) {
	t.Helper()
	late := time.After(time.Minute)
	got := map[string]int{}
	for got["/address-one"]+got["/address-two"] < 2 {
		select {
		case m := <-told:
			to, rest, _ := strings.Cut(m, " ")
			signed := strings.HasPrefix(rest, "v1,")
			if got[to]++; got[to] > 1 || to == "/address-three" || signed != (to == "/address-two") || !strings.Contains(rest, what) || !strings.Contains(rest, source) {
				t.Errorf("got %s, want one message about %s", m, what)
			}
		case <-late:
			t.Fatalf("got %v after a minute", got)
		}
	}
}

// appRows are all rows of the tables that are not derived from the log.
func appRows(t *testing.T, db *pgx.Conn) string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT coalesce(query_to_xml('SELECT * FROM app.' || quote_ident(table_name), true, false, '')::text, '')
		FROM information_schema.tables WHERE table_schema = 'app'`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(all) < 10 {
		t.Fatalf("got %d tables, %v", len(all), err)
	}
	return strings.Join(all, "\n")
}
