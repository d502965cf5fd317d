package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A pack that was altered on the disk is found out when it is read, reported, and
// the file is readable again after the sync that this leads to.
func TestAlteredPackIsFetchedAgain(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a.md": "# the text of a", "b.md": "# the text of b"})
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	id := connect(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	events := follow(t, env, id)
	events.change(t, "sync_completed")

	var list struct{ Files []struct{ ID, Path string } }
	fetch(t, server.URL+"/sources/"+id+"/files", &list)
	read := func(file string) (int, string) {
		resp := request(t, http.MethodGet, server.URL+"/files/"+file+"/content", nil)
		defer func() { _ = resp.Body.Close() }() // read to its end
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, body := read(list.Files[0].ID); status != http.StatusOK || body != "# the text of a" {
		t.Fatalf("got %d, %q before the damage", status, body)
	}
	alterPacks(t, strings.TrimPrefix(mapOf(env)["CONTENT_STORE_URL"], "file://"))
	if status, body := read(list.Files[0].ID); status != http.StatusBadGateway || !strings.Contains(body, "CONTENT_LOST") {
		t.Fatalf("got %d, %q of an altered pack", status, body)
	}
	hint, _ := events.change(t, "hint_received")
	if hint.Data.Hint == nil || hint.Data.Hint.Origin != "content" {
		t.Errorf("got hint %+v", hint.Data.Hint)
	}
	done, before := events.change(t, "sync_completed")
	if strings.Count(strings.Join(before, " "), "metadata") != 2 {
		t.Errorf("got %q, want both files of the pack told again", before)
	}
	fetchAt(t, server.URL+"/sources/"+id, done.Position, &struct{}{})
	for i, want := range []string{"# the text of a", "# the text of b"} {
		if status, body := read(list.Files[i].ID); status != http.StatusOK || body != want {
			t.Errorf("got %d, %q after the sync, want %q", status, body, want)
		}
	}
	resp := request(t, http.MethodGet, server.URL+"/metrics", nil)
	defer func() { _ = resp.Body.Close() }() // read to its end
	if metrics, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(metrics), "dataconnector_lost_content_total 1") {
		t.Errorf("got %v, and no metric of the damage", err)
	}
	server.stop(t)
}

// alterPacks flips bytes in every pack below root.
func alterPacks(t *testing.T, root string) {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(root, "packs", "*", "*", "*"))
	if err != nil || len(packs) == 0 {
		t.Fatalf("got packs %q, %v", packs, err)
	}
	for _, pack := range packs {
		content, err := os.ReadFile(pack)
		if err != nil {
			t.Fatal(err)
		}
		for i := range content {
			content[i] ^= 0x55
		}
		if err := os.Chmod(pack, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pack, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
