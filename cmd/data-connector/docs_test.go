package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/cmd/faults"
)

// A notRun is a documented command that TestDocs leaves out.
type notRun struct{ command, reason string }

// notRunHere are the only commands of the documents that are not run, by what they
// begin with.
var notRunHere = []notRun{
	{"make", "builds, starts servers or runs all tests, this one among them; CI runs it"},
	{"data-connector serve", "is the service that the other commands are run against"},
	{"pg_restore", "needs an empty database; TestBackupAndRestore runs it with these flags"},
}

// A refusedExample is a request of the API reference that needs what the service of
// TestDocs does not have: its answer is another one, and known.
type refusedExample struct{ request, status, reason string }

// refusedHere are the only examples that do not succeed, by what they hold.
var refusedHere = []refusedExample{
	{"/dead-letters/discard'", "404", "no neighbour has refused a file"},
	{"/dead-letters/chunk/", "404", "no neighbour has refused a file"},
	{"/deletes/release'", "409", "no deletes are held"},
	{"8000/webhooks/github'", "401", "the example is not signed"},
	{"8000/webhooks/github/", "401", "the example is not signed"},
	{"/jobs/22222222-0000-5000-8000-000000000002/cancel'", "409", "the job has completed"},
	{"/jobs/22222222-0000-5000-8000-000000000002/retry'", "409", "the job has completed"},
	{"/poison/retry'", "404", "no record is poison"},
	{"/poison/skip'", "404", "no record is poison"},
	{"8000/sources'", "409", "the folder is connected already"},
	{"/replays/01950000-0000-7000-8000-0000000000aa'", "404", "no replay was started under this id"},
	{"/replays/01950000-0000-7000-8000-0000000000aa/pause'", "404", "no replay was started under this id"},
	{"/replays/01950000-0000-7000-8000-0000000000aa/resume'", "404", "no replay was started under this id"},
	{"/replays/01950000-0000-7000-8000-0000000000aa/cancel'", "404", "no replay was started under this id"},
	{"-X POST -H \"X-API-Key: $KEY\" 'http://localhost:8000/notifications/", "502", "nobody listens at the address of the example"},
}

// The commands of the documents do what they say, on a live service.
func TestDocs(t *testing.T) {
	t.Parallel()

	w := newDocsWorld(t)
	t.Run("commands", w.runCommands)
	t.Run("API reference", w.runReference)
	w.server.stop(t)
}

// A docsWorld is what the examples speak of.
type docsWorld struct {
	env      []string
	server   *child
	dir, id  string // the source, and where commands are run
	examples *strings.Replacer
}

func newDocsWorld(t *testing.T) docsWorld {
	t.Helper()
	dir := folder(t, map[string]string{"LICENSE": "MIT License\n", "domain/wire/decode.go": "package wire", "domain/wire/decode_test.go": "package wire", ".ci/run": "#!/bin/sh"})
	keys := filepath.Join(t.TempDir(), "keys.json")
	env := with(serveEnv(t, dir), "VAULT_KEYSET_FILE="+keys, "GITHUB_WEBHOOK_SECRET=0123456789abcdef0123456789abcdef", "SYNC_RATE_LIMIT=0", "API_RATE_LIMIT=0", "CONNECT_RATE_LIMIT=0")
	must(t, env, "vault", "init")
	w := docsWorld{env: env, dir: dir, server: startChild(t, env, "serve")}
	w.env = with(env, "DATA_CONNECTOR_URL="+w.server.URL)
	w.id = connect(t, w.env, dir)
	ids := idsOf(t, w.env, w.server.URL, w.id)
	key := strings.Fields(must(t, w.env, "apikey", "create", "--owner", "alice"))[0]
	apiKeyID := strings.Fields(strings.Split(must(t, w.env, "apikey", "list", "--owner", "alice"), "\n")[1])[0]
	// The one place where what differs from service to service is put in.
	w.examples = strings.NewReplacer(
		"http://localhost:8000", w.server.URL, "localhost:8000", w.server.URL, "$KEY", key, "$ID", w.id,
		"/etc/data-connector/keyset.json", keys, "--owner alice 0198...", "--owner alice "+apiKeyID,
		"01950000-0000-7000-8000-00000000000a", w.id, "01a2053b-c541-7963-a194-0e43e30ddc8c", w.id,
		"11111111-0000-5000-8000-000000000001", ids.file, "ea298396-8ba3-56da-927f-3f8be56f9357", ids.file,
		"22222222-0000-5000-8000-000000000002", ids.job, "0190a000-0000-7000-8000-000000000001", ruleOf(t, w.env, w.server.URL, key), "/srv/docs", dir, "partition=3&at=9", "partition=1&at=0",
	)
	return w
}

// runCommands runs each block of a document as one script.
func (w docsWorld) runCommands(t *testing.T) {
	bin := filepath.Join(w.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Args[0], filepath.Join(bin, "data-connector")); err != nil {
		t.Fatal(err)
	}
	count := 0
	for name, text := range documents(t) {
		for _, block := range blocksOf(text) {
			script := runnable(t, name, block)
			if script == "" {
				continue
			}
			count++
			if out, err := w.bash(t, w.examples.Replace(script)); err != nil {
				t.Errorf("%s: %v\n%s\nsays\n%s", name, err, script, out)
			}
		}
	}
	if count < 6 {
		t.Errorf("got %d blocks of commands, want those of README.md and of four pages at least", count)
	}
}

func (w docsWorld) bash(t *testing.T, script string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", "curl() { command curl --fail-with-body -s \"$@\"; }\n"+script)
	cmd.Dir = w.dir
	cmd.Env = with(w.env, faults.Child+"=1", "HOME="+w.dir, "PATH="+filepath.Join(w.dir, "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// runnable is a block without what is not run; its transcript's output is none.
func runnable(t *testing.T, name string, block []string) string {
	t.Helper()
	var lines []string
	for _, line := range block {
		i := slices.IndexFunc(notRunHere, func(n notRun) bool { return line == n.command || strings.HasPrefix(line, n.command+" ") })
		if i >= 0 {
			t.Logf("%s: not run: %s: %s", name, line, notRunHere[i].reason)
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// blocksOf are the commands of the fenced blocks that hold some: those marked sh,
// and the lines that begin with "$ " of those marked by nothing. "make" alone opens
// a list of targets.
func blocksOf(text string) (blocks [][]string) {
	for i, part := range strings.Split("\n"+text, "\n```") {
		if i%2 == 0 {
			continue
		}
		kind, body, _ := strings.Cut(part, "\n")
		var lines []string
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n")
			command, prompt := strings.CutPrefix(line, "$ ")
			if line != "" && (prompt || kind == "sh" || strings.HasPrefix(line, "make")) {
				lines = append(lines, command)
			}
		}
		if len(lines) > 0 {
			blocks = append(blocks, lines)
		}
	}
	return blocks
}

// documents are the texts of README.md and docs, without the API reference.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, page := range append(pages, "../../README.md") {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if name := filepath.Base(page); name != "api-reference.md" {
			texts[name] = string(raw)
		}
	}
	return texts
}

// runReference sends the examples of the API reference; the removal comes last.
func (w docsWorld) runReference(t *testing.T) {
	raw, err := os.ReadFile("../../docs/api-reference.md")
	if err != nil {
		t.Fatal(err)
	}
	var last, all []string
	for _, block := range blocksOf(string(raw)) {
		for _, line := range block {
			if strings.HasPrefix(line, "curl -X DELETE") {
				last = append(last, line)
			} else {
				all = append(all, line)
			}
		}
	}
	if len(all) < 30 {
		t.Fatalf("got %d examples", len(all))
	}
	refused := 0
	for _, line := range append(all, last...) {
		want := "2"
		if i := slices.IndexFunc(refusedHere, func(r refusedExample) bool { return strings.Contains(line, r.request) }); i >= 0 {
			want, refused = refusedHere[i].status, refused+1
			t.Logf("answered %s: %s: %s", want, line, refusedHere[i].reason)
		}
		out, err := w.bash(t, w.examples.Replace(line)+` -w '\n%{http_code}' || true`)
		if status := out[strings.LastIndexByte(out, '\n')+1:]; err != nil || !strings.HasPrefix(status, want) {
			t.Errorf("%s: got %v, %s\nwant %s", line, err, out, want)
		}
	}
	if refused != len(refusedHere) {
		t.Errorf("got %d examples that are refused, want each of %d once", refused, len(refusedHere))
	}
}

// ruleOf makes a notification rule for the owner of a key, at an address that
// nobody listens at.
func ruleOf(t *testing.T, env []string, url, key string) string {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := must(t, with(env, "DATA_CONNECTOR_URL="+url, "DATA_CONNECTOR_API_KEY="+key), "notifications", "add", "https://127.0.0.1:1/hook", "--secret-file", secret, "--json")
	_, id, _ := strings.Cut(out, `"id":`)
	return strings.Split(id, `"`)[1]
}
