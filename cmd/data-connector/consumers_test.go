package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// consumersVariable is the folder in which docs/consumers/run has installed what
// the consumers in Python and Node need.
const consumersVariable = "CONSUMERS_HOME"

// The consumers of docs/consumers see what GET /sources/{id}/files says.
func TestConsumers(t *testing.T) {
	t.Parallel()

	home := os.Getenv(consumersVariable)
	if home == "" {
		t.Skip("it needs Python and Node packages: run make consumers")
	}
	dir := folder(t, map[string]string{"a.md": "1", "b/c.go": "package c", "d.txt": "1"})
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	put(t, dir, "a.md", "2")
	put(t, dir, "e.md", "1")
	if err := os.Rename(filepath.Join(dir, "d.txt"), filepath.Join(dir, "moved.txt")); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "source", "sync", source, "--wait")
	var reply struct {
		Files []struct{ Path, Revision string }
	}
	fetch(t, server.URL+"/sources/"+source+"/files", &reply)
	var want strings.Builder
	for _, f := range reply.Files {
		line, err := json.Marshal(map[string]string{"path": f.Path, "revision": f.Revision})
		if err != nil {
			t.Fatal(err)
		}
		want.Write(append(line, '\n'))
	}
	of := mapOf(env)
	args := []string{of["KAFKA_BOOTSTRAP_SERVERS"], of["KAFKA_TOPIC_PREFIX"] + ".events.v1", source}
	for name, command := range map[string][]string{
		"go":     {"go", "run", "../../docs/consumers/go"},
		"python": {filepath.Join(home, "python/bin/python"), "../../docs/consumers/python/consumer.py"},
		"node":   {"node", filepath.Join(home, "node/consumer.js")},
	} {
		t.Run(name, func(t *testing.T) {
			run := exec.CommandContext(t.Context(), command[0], append(command[1:], args...)...)
			run.Stderr = os.Stderr
			got, err := run.Output()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.String(), string(got)); diff != "" {
				t.Errorf("files (-GET /files +%s):\n%s", name, diff)
			}
		})
	}
	server.stop(t)
}
