package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A fact is what the test itself finds in a folder, or a row of the table files.
type fact struct {
	Size   int64
	SHA256 string // of a symlink: empty
}

// walk is the independent truth: every file of dir that the default filters keep.
func walk(t *testing.T, dir string) map[string]fact {
	t.Helper()
	out := map[string]bool{}
	for _, glob := range ingest.DefaultExcludes() {
		out[strings.TrimPrefix(glob, "**/")] = true
	}
	facts := map[string]fact{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case out[d.Name()] && d.IsDir():
			return fs.SkipDir
		case out[d.Name()] || d.IsDir():
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || !d.Type().IsRegular() {
			facts[name] = fact{}
			return err
		}
		content, err := os.ReadFile(path)
		sum := sha256.Sum256(content)
		if len(content) <= ingest.DefaultMaxFileSize {
			facts[name] = fact{Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// A row is a live row of the table files.
type row struct {
	fact
	ID       string
	Run, Seq int64
}

// rows reads the table itself, not the API.
func rows(t *testing.T, env []string, source string) map[string]row {
	t.Helper()
	db := database(t, env)
	found, err := db.Query(t.Context(), `
		SELECT path_key, coalesce(size, 0), coalesce(encode(sha256, 'hex'), ''), file_id::text, run, seq
		FROM read.files WHERE source_id = $1 AND NOT removed`, source)
	if err != nil {
		t.Fatal(err)
	}
	table, ids := map[string]row{}, map[string]bool{}
	var path []byte
	var r row
	_, err = pgx.ForEachRow(found, []any{&path, &r.Size, &r.SHA256, &r.ID, &r.Run, &r.Seq}, func() error {
		if _, twice := table[string(path)]; twice || ids[r.ID] {
			t.Errorf("two live files at %q or with id %s", path, r.ID)
		}
		table[string(path)], ids[r.ID] = r, true
		return nil
	})
	if err := errors.Join(err, found.Err()); err != nil {
		t.Fatal(err)
	}
	return table
}

func database(t *testing.T, env []string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), mapOf(env)["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// checkTruth compares the rows of a source with a walk.
func checkTruth(t *testing.T, env []string, source, dir string) map[string]row {
	t.Helper()
	table, got := rows(t, env, source), map[string]fact{}
	for path, r := range table {
		got[path] = r.fact
	}
	if diff := cmp.Diff(walk(t, dir), got); diff != "" {
		t.Errorf("rows (-walk +rows):\n%.4000s", diff)
	}
	return table
}

// changes are the FileChanged of a source on the log, in its order, read with the
// command line.
func changes(t *testing.T, env []string, source string) []domain.FileChanged {
	t.Helper()
	var events []domain.FileChanged
	for line := range strings.Lines(must(t, env, "events", "tail", "--from", "beginning", "--follow=false", "--json", "--source", source)) {
		var record struct {
			Type string
			Data json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record.Type != "confuse.FileChanged.v1" {
			continue
		}
		var e domain.FileChanged
		if err := json.Unmarshal(record.Data, &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// A tree that nobody here wrote is in the tables exactly as it is on disk; a
// restart and a second sync change nothing.
func TestTruth(t *testing.T) {
	t.Parallel()

	dir := goroot(t)
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	before := checkTruth(t, env, source, dir)
	if len(before) < 10_000 {
		t.Errorf("got %d files, want more than 10,000", len(before))
	}
	server.stop(t)

	server = startChild(t, env, "serve")
	cli = with(env, "DATA_CONNECTOR_URL="+server.URL)
	for _, full := range []string{"--full=false", "--full"} {
		must(t, cli, "source", "sync", source, "--wait", full)
	}
	if diff := cmp.Diff(before, rows(t, env, source), cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("rows after a restart and more syncs (-before +after):\n%.4000s", diff)
	}
	if got := len(changes(t, env, source)); got != len(before) {
		t.Errorf("got %d FileChanged on the log, want the %d of the first sync", got, len(before))
	}
	server.stop(t)
}

// Edits, adds, renames, swaps and deletes arrive as exactly those events.
func TestTruthOfEdits(t *testing.T) {
	t.Parallel()

	dir := filepath.Join(t.TempDir(), "net")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(goroot(t), "src", "net"))); err != nil {
		t.Fatal(err)
	}
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	first := checkTruth(t, env, source, dir)
	sync := func(edits ...edit) map[string]row {
		t.Helper()
		seen := len(changes(t, env, source))
		var want []string
		for _, e := range edits {
			if err := e.do(dir); err != nil {
				t.Fatal(err)
			}
			want = append(want, e.events...)
		}
		must(t, cli, "source", "sync", source, "--wait")
		var got []string
		for _, e := range changes(t, env, source)[seen:] {
			got = append(got, strings.TrimSpace(string(e.Change)+" "+strings.TrimPrefix(e.OldPath+" -> "+e.Path, " -> ")))
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		return checkTruth(t, env, source, dir)
	}

	second := sync(twentyEdits()...)
	for path, old := range map[string]string{"renamed.go": "dial.go", "http/mail.go": "smtp/smtp.go", "textproto2/reader.go": "textproto/reader.go"} {
		if second[path].ID != first[old].ID {
			t.Errorf("%q: got id %q, want that of %q: %q", path, second[path].ID, old, first[old].ID)
		}
	}
	third := sync(
		write("dial.go", "package net // a new file at a renamed file's old path\n", "added dial.go"),
		write("added.txt", "again\n", "added added.txt"),
		edit{do: func(string) error { return nil }},
	)
	if third["dial.go"].ID == second["renamed.go"].ID || third["renamed.go"].ID != first["dial.go"].ID {
		t.Errorf("got ids %q for the new file and %q for the renamed one, want %q to stay with the latter", third["dial.go"].ID, third["renamed.go"].ID, first["dial.go"].ID)
	}
	server.stop(t)
}

// An edit is one change of the folder and the events that it must lead to.
type edit struct {
	do     func(dir string) error
	events []string
}

func write(name, content string, events ...string) edit {
	return edit{events: events, do: func(dir string) error {
		path := filepath.Join(dir, name)
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600))
	}}
}

func rename(from, to string, events ...string) edit {
	return edit{events: events, do: func(dir string) error {
		to := filepath.Join(dir, to)
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Rename(filepath.Join(dir, from), to))
	}}
}

func remove(name string) edit {
	return edit{events: []string{"removed " + name}, do: func(dir string) error { return os.Remove(filepath.Join(dir, name)) }}
}

func twentyEdits() []edit {
	return []edit{
		write("net.go", "package net // edited 1\n", "modified net.go"),
		write("ip.go", "package net // edited 2\n", "modified ip.go"),
		write("mac.go", "", "modified mac.go"),
		write("http/server.go", "package http // edited\n", "modified http/server.go"),
		write("url/url.go", strings.Repeat("// longer\n", 9000), "modified url/url.go"),
		write("new.go", "package net // new 1\n", "added new.go"),
		write("deep/er/and/deeper.txt", "new 2\n", "added deep/er/and/deeper.txt"),
		write("invalid\xff.txt", "new 3\n", "added invalid\ufffd.txt"),
		write("new\nline", "new 4\n", "added new\nline"),
		rename("dial.go", "renamed.go", "renamed dial.go -> renamed.go"),
		rename("smtp/smtp.go", "http/mail.go", "renamed smtp/smtp.go -> http/mail.go"),
		rename("textproto/reader.go", "textproto2/reader.go", "renamed textproto/reader.go -> textproto2/reader.go"),
		rename("pipe.go", "pipe.1.go", "added pipe.1.go"), // rotation: the old path is not gone
		write("pipe.go", "package net // rotated\n", "modified pipe.go"),
		rename("udpsock.go", "swap", "modified udpsock.go"), // a swap of two files
		rename("tcpsock.go", "udpsock.go", "modified tcpsock.go"),
		rename("swap", "tcpsock.go"),
		remove("lookup.go"),
		remove("hosts.go"),
		remove("rpc/client.go"),
	}
}
