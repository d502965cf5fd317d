package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxPacks is the most packs that a repository has before it is compacted.
const maxPacks = 50

// compact puts what the held commits need into one pack and deletes the others.
// Nothing is fetched for it. The lock is held. Dying before the meta is written
// leaves both; behind it, packs too many: neither is wrong.
func (r *repo) compact(ctx context.Context) error {
	old, err := r.packs()
	if err != nil || len(old) <= r.client.packs {
		return err
	}
	held, err := os.ReadDir(filepath.Join(r.dir, heldRefs))
	if err != nil {
		return err
	}
	var commits strings.Builder
	for _, e := range held {
		commits.WriteString(e.Name() + "\n")
	}
	ids, err := os.Create(filepath.Join(r.dir, "objects.new"))
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(ids.Close(), os.Remove(ids.Name())) }() // it is of no more use
	list := command{dir: r.dir, in: strings.NewReader(commits.String()), args: []string{"rev-list", "--objects", "--no-object-names", "--missing=allow-any", "--stdin"}}
	if err := r.client.runTo(ctx, list, ids); err != nil {
		return err
	}
	if _, err := ids.Seek(0, 0); err != nil {
		return err
	}
	pack := command{dir: r.dir, in: ids, args: []string{"pack-objects", "--quiet", "--non-empty", filepath.Join(r.dir, "objects/pack/pack")}}
	name, err := r.client.run(ctx, pack)
	if err != nil {
		return err
	}
	return r.replacePacks(old, "pack-"+strings.TrimSpace(name)+".pack")
}

func (r *repo) replacePacks(old map[string]int64, name string) error {
	packs, err := r.packs()
	if err != nil {
		return err
	}
	size, ok := packs[name]
	if !ok {
		return fmt.Errorf("gitrepo: compact: no pack %q", name)
	}
	m, err := r.meta()
	if err != nil {
		return err
	}
	m.Packs = map[string]int64{name: size}
	if err := r.keepMeta(m); err != nil {
		return err
	}
	loose, err := filepath.Glob(filepath.Join(r.dir, "objects/[0-9a-f][0-9a-f]"))
	for _, dir := range loose { // trees that were made to compare with
		err = errors.Join(err, os.RemoveAll(dir))
	}
	for file := range old {
		if file == name {
			continue
		}
		for _, ending := range []string{".idx", ".pack", ".rev", ".promisor"} {
			_ = os.Remove(filepath.Join(r.dir, "objects/pack", strings.TrimSuffix(file, ".pack")+ending)) // one too many does no harm
		}
	}
	return err
}
