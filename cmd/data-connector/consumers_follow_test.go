package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// mostLines is how long a whole consumer of the topic of last states may be, and
// wideLine how wide each of its lines: what is crammed is not short.
const (
	mostLines = 30
	wideLine  = 140
)

// A consumer of the topic of last states is 30 lines.
func TestConsumersAreShort(t *testing.T) {
	t.Parallel()

	for _, file := range []string{"go/main.go", "python/consumer.py", "node/consumer.js"} {
		raw, err := os.ReadFile(filepath.Join("../../docs/consumers", file))
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range strings.Lines(withoutHead(string(raw))) {
			if strings.TrimSpace(line) != "" {
				lines++
			}
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > wideLine {
				t.Errorf("%s: a line of %d runes, want at most %d:\n%s", file, n, wideLine, line)
			}
		}
		if lines == 0 || lines > mostLines {
			t.Errorf("%s: got %d lines, want 1 to %d", file, lines, mostLines)
		}
	}
}

// withoutHead is a program without the comment that it begins with.
func withoutHead(program string) string {
	if rest, ok := strings.CutPrefix(program, `"""`); ok {
		_, rest, _ = strings.Cut(rest, `"""`)
		return rest
	}
	for strings.HasPrefix(program, "//") {
		_, program, _ = strings.Cut(program, "\n")
	}
	return program
}

// A listener is a consumer that runs, and what it has told so far.
type listener struct {
	name string

	mu    sync.Mutex
	files map[string]string // revisions by path
	paths map[string]string // by id
	bad   string            // a line that is none of its own
}

// listenTo starts a consumer, until the test ends.
func listenTo(t *testing.T, name string, command ...string) *listener {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	run := exec.CommandContext(ctx, command[0], command[1:]...)
	run.Stderr = os.Stderr
	out, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		stop()
		t.Fatal(err)
	}
	f := &listener{name: name, files: map[string]string{}, paths: map[string]string{}}
	read := make(chan struct{})
	go f.read(out, read)
	t.Cleanup(func() {
		stop()
		<-read
		_ = run.Wait() // it was killed
	})
	return f
}

func (f *listener) read(out io.Reader, read chan<- struct{}) {
	defer close(read)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var told struct{ ID, Path, Revision string }
		err := json.Unmarshal(lines.Bytes(), &told)
		f.mu.Lock()
		if err != nil || told.ID == "" {
			f.bad = lines.Text()
		}
		delete(f.files, f.paths[told.ID])
		delete(f.paths, told.ID)
		if told.Path != "" {
			f.files[told.Path], f.paths[told.ID] = told.Revision, told.Path
		}
		f.mu.Unlock()
	}
}

// await waits until what the consumer has told are the files want.
func (f *listener) await(t *testing.T, want map[string]string) {
	t.Helper()
	awaitThat(t, func() (bool, string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.bad != "" {
			t.Fatalf("%s has printed %q", f.name, f.bad)
		}
		return maps.Equal(f.files, want), strings.Join([]string{f.name, "has", textOf(f.files), "want", textOf(want)}, " ")
	})
}

func textOf(files map[string]string) string {
	raw, _ := json.Marshal(files) // of strings
	return string(raw)
}
