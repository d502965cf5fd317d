package gittest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// An Edit is one change that a commit makes.
type Edit struct {
	verb, path, to string
	mode           string
	content        string
}

// Put makes or changes a file.
func Put(path, content string) Edit {
	return Edit{verb: "M", path: path, mode: "100644", content: content}
}

// PutExecutable makes or changes a file that may be run.
func PutExecutable(path, content string) Edit {
	return Edit{verb: "M", path: path, mode: "100755", content: content}
}

// Link makes a symlink.
func Link(path, target string) Edit {
	return Edit{verb: "M", path: path, mode: "120000", content: target}
}

// Submodule makes a submodule that is at a commit, of whatever repository.
func Submodule(path, commit string) Edit {
	return Edit{verb: "S", path: path, mode: "160000", content: commit}
}

// Remove removes a file, or a folder with all in it.
func Remove(path string) Edit { return Edit{verb: "D", path: path} }

// Rename moves a file or folder.
func Rename(from, to string) Edit { return Edit{verb: "R", path: from, to: to} }

// Clear removes everything.
func Clear() Edit { return Edit{verb: "deleteall"} }

// Commit commits edits on top of a branch, which begins with it where there is
// none, and gives the id of the commit.
func (r *Repo) Commit(branch string, edits ...Edit) string {
	r.t.Helper()
	from := ""
	if r.Has("refs/heads/" + branch) {
		from = "refs/heads/" + branch + "^0"
	}
	return r.CommitFrom(branch, from, nil, edits...)
}

// CommitFrom is Commit with other parents: from is the first one, empty for none,
// and what the branch was is lost, as by a force push.
func (r *Repo) CommitFrom(branch, from string, merge []string, edits ...Edit) string {
	r.t.Helper()
	r.mark++
	var in bytes.Buffer
	fmt.Fprintf(&in, "commit refs/heads/%s\nmark :1\ncommitter C <c@example.org> %d +0000\n%s", branch, r.mark, data(fmt.Sprintf("commit %d", r.mark)))
	if from == "" {
		from = r.zero()
	}
	fmt.Fprintf(&in, "from %s\n", from)
	for _, m := range merge {
		fmt.Fprintf(&in, "merge %s\n", m)
	}
	for _, e := range edits {
		e.write(&in)
	}
	in.WriteString("\nget-mark :1\n")
	return r.GitInput(in.Bytes(), "fast-import", "--quiet", "--force")
}

func (r *Repo) zero() string {
	if r.sha256 {
		return strings.Repeat("0", 64)
	}
	return strings.Repeat("0", 40)
}

// Has reports whether there is a ref.
func (r *Repo) Has(ref string) bool {
	r.t.Helper()
	if _, err := os.Stat(filepath.Join(r.Dir, ref)); err == nil {
		return true
	}
	packed, err := os.ReadFile(filepath.Join(r.Dir, "packed-refs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Fatal(err)
	}
	return strings.Contains(string(packed), " "+ref+"\n")
}

// Default makes a branch the default branch.
func (r *Repo) Default(branch string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.Dir, "HEAD"), []byte("ref: refs/heads/"+branch+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// Forget loses every commit that no ref leads to.
func (r *Repo) Forget() {
	r.t.Helper()
	r.Git("reflog", "expire", "--expire=now", "--all")
	r.Git("gc", "--quiet", "--prune=now")
}

func (e Edit) write(in *bytes.Buffer) {
	switch e.verb {
	case "M":
		fmt.Fprintf(in, "M %s inline %s\n%s", e.mode, quote(e.path), data(e.content))
	case "S":
		fmt.Fprintf(in, "M %s %s %s\n", e.mode, e.content, quote(e.path))
	case "R":
		fmt.Fprintf(in, "R %s %s\n", quote(e.path), quote(e.to))
	case "D":
		fmt.Fprintf(in, "D %s\n", quote(e.path))
	default:
		fmt.Fprintln(in, e.verb)
	}
}

func data(s string) string { return fmt.Sprintf("data %d\n%s\n", len(s), s) }
