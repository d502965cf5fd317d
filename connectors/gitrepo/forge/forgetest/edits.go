package forgetest

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// Put makes or changes a file of the repository.
func (w *World) Put(path, content string) { w.Repo.Commit("main", gittest.Put(path, content)) }

// Remove removes a file of the repository.
func (w *World) Remove(path string) { w.Repo.Commit("main", gittest.Remove(path)) }

// Rename moves a file of the repository.
func (w *World) Rename(from, to string) { w.Repo.Commit("main", gittest.Rename(from, to)) }

// Rewrite gives main another history with the same files, and nobody has the old
// one any more.
func (w *World) Rewrite() {
	tree := w.Repo.Git("rev-parse", "refs/heads/main^{tree}")
	w.Repo.Git("update-ref", "refs/heads/main", w.Repo.Git("commit-tree", "-m", "history rewritten", tree))
	w.Repo.Forget()
}

// Move moves the git repository to where it is served as name.
func (w *World) Move(name string) {
	w.T.Helper()
	to := w.Git.Path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(w.Repo.Dir, to)); err != nil {
		w.T.Fatal(err)
	}
	w.Repo.Dir = to
}
