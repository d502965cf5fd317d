package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/confuse/data-connector/cmd/figures"
)

// TestMain goes where the program is run: at the top of the module.
func TestMain(m *testing.M) {
	if err := os.Chdir(filepath.Join("..", "..")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// Each fault in its short form: fewer files, fewer kills, the same judgement.
func TestFaults(t *testing.T) {
	t.Parallel()

	if testing.Short() {
		t.Skip("-short: faults need processes and servers")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "service")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags=-s -w", "-o", binary, "./cmd/data-connector") // nobody debugs it
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	c, err := newChaos(t.Context(), config{binary: binary, dir: dir, files: 2100, kills: 4, deliveries: 4000, outage: 6 * time.Second, short: true}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range catalogue() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()

			if f.tested {
				t.Skip("the tests of cmd/data-connector hold it")
			}
			lines, err := f.try(context.WithoutCancel(t.Context()), c, f.name)
			if err != nil {
				t.Fatalf("seed %d: %v", c.seed, err)
			}
			for _, l := range lines {
				if !l.OK {
					t.Errorf("seed %d: got %s %g, want %s", c.seed, l.Name, l.Value, l.Target)
				}
			}
			if len(lines) == 0 {
				t.Error("got no figures")
			}
		})
	}
}

// Names are unique, and each fault says what is done.
func TestCatalogue(t *testing.T) {
	t.Parallel()

	seen := map[string]bool{}
	for _, f := range catalogue() {
		if seen[f.name] || f.title == "" || f.try == nil {
			t.Errorf("fault %q: comes twice or lacks something", f.name)
		}
		seen[f.name] = true
	}
}

// What others have written on the page stays.
func TestDocs(t *testing.T) {
	t.Parallel()

	c := &chaos{config: config{files: 1, kills: 1, seed: 7}}
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("# Page\n\nbefore\n\n"+partBegin+"old\n"+partEnd+"\nbehind\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for range 2 {
		if err := c.writeDocs(page, []figures.Line{figures.Exactly("wrong_rows", "rows", 0, 0)}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	before, rest, _ := cutAround(texts[0])
	if before != "# Page\n\nbefore\n\n" || rest != "\nbehind\n" || texts[0] != texts[1] {
		t.Errorf("got %q, then %q", texts[0], texts[1])
	}
}
