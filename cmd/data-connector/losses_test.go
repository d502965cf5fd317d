package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever is thrown away that is not the log, nothing is announced again, and what
// has changed meanwhile is.
func TestNothingIsAnnouncedTwice(t *testing.T) {
	t.Parallel()

	dir := filepath.Join(t.TempDir(), "tree")
	files := newTree(dir, rand.New(rand.NewPCG(7, 7)), 300)
	if files.err != nil {
		t.Fatal(files.err)
	}
	l := loss{env: serveEnv(t, dir), dir: dir, files: files}
	server := startChild(t, l.env, "serve")
	l.source = connect(t, with(l.env, "DATA_CONNECTOR_URL="+server.URL), dir)
	l.rows, l.events = checkTruth(t, l.env, l.source, dir), 300
	server.stop(t)
	for _, lost := range [][]string{
		{"cursor"}, {"cache"}, {"Redis"}, {"read tables"}, {"rebuilt read tables"}, {"cache", "Redis", "read tables"}, {"cursor", "cache", "Redis"},
		{"rebuilt read tables", "cursor", "cache", "Redis"},
	} {
		t.Run("without "+strings.Join(lost, ", "), func(t *testing.T) { l.survives(t, lost) })
	}
}

// A loss is a source whose service is stopped, and what is known of it.
type loss struct {
	env         []string
	dir, source string
	files       *tree
	rows        map[string]row
	events      int // FileChanged on the log
}

// survives throws things away, starts the service, and changes one file at the end.
func (l *loss) survives(t *testing.T, lost []string) {
	for _, one := range lost {
		l.throw(t, one)
	}
	server := startChild(t, l.env, "serve")
	cli := with(l.env, "DATA_CONNECTOR_URL="+server.URL)
	must(t, cli, "source", "sync", l.source, "--wait")
	if got := len(changes(t, l.env, l.source)); got != l.events {
		t.Errorf("got %d FileChanged on the log, want the %d from before", got, l.events)
	}
	if diff := cmp.Diff(l.rows, checkTruth(t, l.env, l.source, l.dir), cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("rows (-before +after):\n%.4000s", diff)
	}
	l.files.write(l.files.file())
	must(t, cli, "source", "sync", l.source, "--wait")
	l.events++
	if got := len(changes(t, l.env, l.source)); got != l.events || l.files.err != nil {
		t.Errorf("got %d FileChanged on the log once a file was changed, want %d; error %v", got, l.events, l.files.err)
	}
	l.rows = checkTruth(t, l.env, l.source, l.dir)
	server.stop(t)
}

// throw throws one thing away.
func (l *loss) throw(t *testing.T, what string) {
	t.Helper()
	execute := func(sql string) {
		if _, err := database(t, l.env).Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	switch what {
	case "cursor":
		execute(`UPDATE read.sources SET state = (state::jsonb - 'cursor')::json`)
	case "cache":
		if err := os.RemoveAll(mapOf(l.env)["CACHE_DIR"]); err != nil {
			t.Fatal(err)
		}
	case "Redis": // a prefix below which nothing is
		l.env = with(l.env, fmt.Sprintf("REDIS_PREFIX=%s:", mapOf(l.env)["REDIS_PREFIX"]))
	case "read tables": // the service makes and fills them itself
		execute(`DROP SCHEMA read CASCADE`)
	case "rebuilt read tables": // by hand, before it starts
		execute(`DROP SCHEMA read CASCADE`)
		must(t, l.env, "rebuild")
	}
}
