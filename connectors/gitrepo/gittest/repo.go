package gittest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Repo is a bare repository at a [Server]. It is used by one goroutine.
type Repo struct {
	Dir    string // on disk
	URL    string
	t      testing.TB
	sha256 bool
	mark   int64 // of time: each commit is a second later
}

// environment is that of git in tests: nothing of the machine's.
func environment() []string {
	return []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C", "TZ=UTC",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.org",
		"GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000",
	}
}

// Path is where the repository with a name lies, if there is one.
func (s *Server) Path(name string) string { return filepath.Join(s.root, name+".git") }

// Create makes an empty repository whose default branch is main.
func (s *Server) Create(name string) *Repo { return s.create(name, false) }

// CreateSHA256 is Create with the ids of SHA-256.
func (s *Server) CreateSHA256(name string) *Repo { return s.create(name, true) }

// create does what git init does for a bare repository, without a run of git: tests
// make hundreds of them.
func (s *Server) create(name string, sha256 bool) *Repo {
	s.t.Helper()
	r := &Repo{Dir: s.Path(name), URL: s.URL + "/" + name + ".git", t: s.t, sha256: sha256, mark: 1_700_000_000}
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
	if sha256 {
		config = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"
	}
	config += "[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n[fastimport]\n\tunpackLimit = 0\n"
	for _, dir := range []string{"objects/pack", "objects/info", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(r.Dir, dir), 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	for file, text := range map[string]string{"HEAD": "ref: refs/heads/main\n", "config": config} {
		if err := os.WriteFile(filepath.Join(r.Dir, file), []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	return r
}

// Git runs git in the repository, and gives its output without the last newline.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return strings.TrimSuffix(string(run(r.t, nil, append([]string{"--git-dir=" + r.Dir}, args...)...)), "\n")
}

// GitInput is Git with a standard input.
func (r *Repo) GitInput(in []byte, args ...string) string {
	r.t.Helper()
	return strings.TrimSuffix(string(run(r.t, in, append([]string{"--git-dir=" + r.Dir}, args...)...)), "\n")
}

func run(t testing.TB, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Env, cmd.Stdin = environment(), bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// Tree is what a commit holds, according to git ls-tree: "mode id" by raw path.
func (r *Repo) Tree(commit string) map[string]string {
	r.t.Helper()
	tree := map[string]string{}
	for rec := range strings.SplitSeq(string(run(r.t, nil, "--git-dir="+r.Dir, "ls-tree", "-r", "-z", "--full-tree", commit)), "\x00") {
		if head, path, ok := strings.Cut(rec, "\t"); ok {
			fields := strings.Fields(head)
			tree[path] = fields[0] + " " + fields[2]
		}
	}
	return tree
}

// Blob is the content of an object.
func (r *Repo) Blob(id string) string {
	r.t.Helper()
	return string(run(r.t, nil, "--git-dir="+r.Dir, "cat-file", "blob", id))
}

// quote writes a path as fast-import reads it.
func quote(path string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(path) {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			fmt.Fprintf(&b, "\\%03o", c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
