package embedded_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/embedded"
)

func TestRunInfo(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	if _, err := embedded.ReadRunInfo(dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Errorf("empty folder: got error %v, want ErrNotRunning", err)
	}
	s := start(t, embedded.Options{Dir: dir})
	if _, err := embedded.ReadRunInfo(dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Errorf("before it is written: got error %v, want ErrNotRunning", err)
	}
	want := embedded.RunInfo{
		URL: "http://127.0.0.1:8000", APIKey: "dck_secret", PID: os.Getpid(),
		KafkaBootstrap: s.KafkaBootstrap, DatabaseURL: s.DatabaseURL, RedisURL: s.RedisURL,
	}
	if err := embedded.WriteRunInfo(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := embedded.ReadRunInfo(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run info (-want +got):\n%s", diff)
	}
	if text := fmt.Sprintf("%v %+v %s", got, got, got.LogValue()); strings.Contains(text, "dck_secret") {
		t.Errorf("the key is in the printed value %q", text)
	}
	path := filepath.Join(dir, "run.json")
	checkMode(t, path)
	stop(t, s)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: got %v for run.json, want none", err)
	}
}

func TestRunInfoOfAKilledProcessIsNotGiven(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	helper := startHelper(t, dir, nil)
	info, err := embedded.ReadRunInfo(dir)
	if err != nil || info.PID != helper.Process.Pid {
		t.Errorf("got pid %d, %v, want %d", info.PID, err, helper.Process.Pid)
	}
	kill(t, helper)
	if _, err := embedded.ReadRunInfo(dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Errorf("got error %v, want ErrNotRunning", err)
	}
	start(t, embedded.Options{Dir: dir}) // waits for what the helper has left
}
