package gittest

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Repo is a bare repository at a [Server]. It is used by one goroutine.
type Repo struct {
	Dir  string // on disk
	URL  string
	t    testing.TB
	mark int64 // of time: each commit is a second later
}

// environment is that of git in tests: nothing of the machine's.
func environment() []string {
	return []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C", "TZ=UTC",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.org",
		"GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000",
	}
}

// Create makes an empty repository whose default branch is main. Further
// arguments go to git init: "--object-format=sha256".
func (s *Server) Create(name string, args ...string) *Repo {
	s.t.Helper()
	r := &Repo{Dir: filepath.Join(s.root, name+".git"), URL: s.URL + "/" + name + ".git", t: s.t, mark: 1_700_000_000}
	run(s.t, nil, append(append([]string{"init", "--quiet", "--bare", "--template=", "--initial-branch=main"}, args...), "--", r.Dir)...)
	r.Git("config", "uploadpack.allowFilter", "true")
	r.Git("config", "uploadpack.allowAnySHA1InWant", "true")
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
