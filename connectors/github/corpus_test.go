package github_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
)

// corpus is the package of recorded deliveries (MIT licence). It is fetched once
// into a cache of the user and not kept here: it is 18 MB.
const corpus = "@octokit/webhooks-examples@7.6.1"

// TestCorpus: every delivery that GitHub documents is a notice of its repository,
// or is ignored with a reason.
func TestCorpus(t *testing.T) {
	t.Parallel()

	c, files, notices := newConnector(t, connectortest.NewClock(noon), nil), 0, 0
	for name, text := range npm(t, corpus, "index.json") {
		var events []struct {
			Name     string            `json:"name"`
			Examples []json.RawMessage `json:"examples"`
		}
		if err := json.Unmarshal(text, &events); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, e := range events {
			for i, body := range e.Examples {
				files++
				d, err := c.Parse(delivered(e.Name), body)
				if err != nil || len(d.Notices) == 0 && d.Ignored == "" || len(d.Notices) > 0 && d.Ignored != "" {
					t.Errorf("%s, %s, %d: got %+v, %v, want notices or a reason", name, e.Name, i, d, err)
				}
				for _, n := range d.Notices {
					if n.ExternalKey == "" {
						t.Errorf("%s, %s, %d: got a notice of nothing", name, e.Name, i)
					}
				}
				notices += min(len(d.Notices), 1)
			}
		}
	}
	if files < 300 || notices < 100 {
		t.Errorf("got %d deliveries with %d notices, want the whole corpus", files, notices)
	}
}

// others is a module with recorded deliveries (MIT licence), in the module cache.
const others = "github.com/go-playground/webhooks/v6@v6.4.0"

// TestOtherCorpus is TestCorpus for what somebody else has recorded.
func TestOtherCorpus(t *testing.T) {
	t.Parallel()

	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", others)
	cmd.Dir = t.TempDir() // no module: it is none of ours
	out, err := cmd.Output()
	var m struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &m); err != nil || jsonErr != nil || m.Dir == "" {
		t.Skipf("%s is not there: %v %s", others, err, m.Error)
	}
	files, err := filepath.Glob(filepath.Join(m.Dir, "testdata", "github", "*.json"))
	if err != nil || len(files) != 48 {
		t.Fatalf("got %d files, %v, want 48", len(files), err)
	}
	c, notices := newConnector(t, connectortest.NewClock(noon), nil), 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		event := strings.ReplaceAll(strings.TrimSuffix(name, "-edited"), "-", "_")
		if name == "pull-request-issue-comment" {
			event = "issue_comment"
		}
		d, err := c.Parse(delivered(event), body)
		if err != nil || (len(d.Notices) == 0) == (d.Ignored == "") {
			t.Errorf("%s: got %+v, %v, want notices or a reason", name, d, err)
		}
		notices += min(len(d.Notices), 1)
	}
	if notices < 14 { // push, create, delete, issues, pull requests and their like
		t.Errorf("got %d with notices, want the events that are used", notices)
	}
}

// npm gives the files of a package of the npm registry whose names end in suffix.
// Without the package or npm the test is skipped with the reason.
func npm(t *testing.T, pkg, suffix string) map[string][]byte {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("%s is not there: %v", pkg, err)
	}
	dir := filepath.Join(cache, "data-connector-dev", "npm")
	name := strings.NewReplacer("@", "", "/", "-").Replace(pkg[:strings.LastIndexByte(pkg, '@')]) + "-" + pkg[strings.LastIndexByte(pkg, '@')+1:] + ".tgz"
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		b = pack(t, pkg, dir, name)
	}
	return untar(t, b, suffix)
}

func pack(t *testing.T, pkg, dir, name string) []byte {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skipf("%s is not there: %v", pkg, err)
	}
	tmp := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "pack", "--silent", pkg)
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("%s is not in %s and npm pack fails: %v: %s", pkg, dir, err, out)
	}
	b, err := os.ReadFile(filepath.Join(tmp, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".new"), b, 0o644)
	}
	if err = errors.Join(err, os.Rename(filepath.Join(dir, name+".new"), filepath.Join(dir, name))); err != nil {
		t.Fatal(err)
	}
	return b
}

func untar(t *testing.T, b []byte, suffix string) map[string][]byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, suffix) {
			if files[h.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(suffix, "index") {
				return files // the packages are large
			}
		}
	}
}
