package gitrepo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/confuse/data-connector/domain"
)

// The files of a repository in the cache that git does not know of, and the refs
// that hold the commits which were fetched whole.
const (
	metaName = "packs.json"
	heldRefs = "refs/dc"
)

// A repo is the bare repository of a source in its cache.
type repo struct {
	client *Client
	dir    string
	limit  int64 // bytes: files of this size and above were not fetched
}

// A meta says what must be in a repository for it to be trusted: a pack that got
// lost would make its files look too large to be fetched, and be taken for
// excluded.
type meta struct {
	Format string           `json:"format"` // "sha1", "sha256"
	Limit  int64            `json:"limit"`  // as repo.limit
	Packs  map[string]int64 `json:"packs"`  // size by name
}

func formatOf(commit string) string {
	if len(commit) == 64 {
		return "sha256"
	}
	return "sha1"
}

// open makes the repository ready for commits like commit. What does not fit, or
// is damaged as far as can be seen, is thrown away. The lock of the folder is
// held.
func (r *repo) open(commit string, fresh bool) error {
	m, err := r.meta()
	if !fresh && err == nil && m.Format == formatOf(commit) && m.Limit == r.limit && r.has(m.Packs) && r.size() <= r.client.opt.MaxDisk {
		return r.configure(m.Format)
	}
	if err := os.RemoveAll(r.dir); err != nil {
		return fmt.Errorf("gitrepo: cache: %w", err)
	}
	return r.create(meta{Format: formatOf(commit), Limit: r.limit, Packs: map[string]int64{}})
}

// create makes an empty repository by hand: git would copy templates. The meta
// comes last: without it nothing is trusted.
func (r *repo) create(m meta) error {
	for _, dir := range []string{"objects/pack", "objects/info", heldRefs} {
		if err := os.MkdirAll(filepath.Join(r.dir, dir), 0o700); err != nil {
			return fmt.Errorf("gitrepo: cache: %w", err)
		}
	}
	if err := write(filepath.Join(r.dir, "HEAD"), []byte("ref: refs/heads/none\n")); err != nil {
		return err
	}
	if err := r.configure(m.Format); err != nil {
		return err
	}
	return r.keepMeta(m)
}

// configure writes the whole configuration. A filtered fetch leaves a remote in
// it, from which every later command would silently fetch what was left out.
func (r *repo) configure(format string) error {
	version := 0
	extensions := ""
	if format == "sha256" {
		version, extensions = 1, "[extensions]\n\tobjectFormat = sha256\n"
	}
	text := fmt.Sprintf("[core]\n\trepositoryformatversion = %d\n\tbare = true\n%s", version, extensions)
	return write(filepath.Join(r.dir, "config"), []byte(text))
}

func (r *repo) meta() (m meta, err error) {
	b, err := os.ReadFile(filepath.Join(r.dir, metaName))
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	return m, err
}

func (r *repo) keepMeta(m meta) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return write(filepath.Join(r.dir, metaName), b)
}

// packs are the packs that are there, by size.
func (r *repo) packs() (map[string]int64, error) {
	entries, err := os.ReadDir(filepath.Join(r.dir, "objects/pack"))
	if err != nil {
		return nil, err
	}
	packs := map[string]int64{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".pack") && !strings.HasPrefix(e.Name(), "tmp_") {
			packs[e.Name()] = info.Size()
		}
	}
	return packs, nil
}

func (r *repo) has(want map[string]int64) bool {
	packs, err := r.packs()
	if err != nil {
		return false
	}
	for name, size := range want {
		if packs[name] != size {
			return false
		}
	}
	return true
}

// holds reports whether a commit was fetched whole: its ref is written after its
// pack.
func (r *repo) holds(commit string) bool {
	_, err := os.Stat(filepath.Join(r.dir, heldRefs, commit))
	return err == nil
}

// let drops all commits but keep: what they share with others stays on disk, and
// the server is told of few commits at the next fetch.
func (r *repo) let(keep ...string) error {
	entries, err := os.ReadDir(filepath.Join(r.dir, heldRefs))
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, id := range keep {
		kept[id] = true
	}
	for _, e := range entries {
		if !kept[e.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(r.dir, heldRefs, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return r.trimShallow(kept)
}

// trimShallow keeps the list of commits without parents short: it goes over the
// wire with each fetch.
func (r *repo) trimShallow(kept map[string]bool) error {
	name := filepath.Join(r.dir, "shallow")
	b, err := os.ReadFile(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) { // the whole history is one commit
			return nil
		}
		return err
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if kept[strings.TrimSpace(line)] {
			lines = append(lines, line)
		}
	}
	return write(name, []byte(strings.Join(lines, "")))
}

// drop throws the repository away.
func (r *repo) drop() { _ = os.RemoveAll(r.dir) } // what is left is found damaged, or works

// write replaces a file at once.
func write(name string, b []byte) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("gitrepo: cache: %w", err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return fmt.Errorf("gitrepo: cache: %w", err)
	}
	return nil
}

// lockWait is how often a lock is tried.
const lockWait = 20 * time.Millisecond

// lock keeps others, in this process and in others, from changing what lies in
// folder. Reading needs no lock.
func lock(ctx context.Context, folder string) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("gitrepo: cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("gitrepo: cache: %w", err)
	}
	tick := time.NewTicker(lockWait)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // which unlocks
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("gitrepo: lock cache: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = f.Close()
			return nil, context.Cause(ctx)
		}
	}
}

// damaged is the answer to a repository that does not hold what it should: it is
// thrown away, and the next run fetches it again.
func (r *repo) damaged(what string, err error) error {
	r.drop()
	return fmt.Errorf("gitrepo: %s: cache is damaged: %w: %w", what, domain.ErrTransient, err)
}
