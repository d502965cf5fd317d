package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxSimilar is how many files that went are compared with how many that came.
const maxSimilar = 1000

// diff gives what differs between two commits: what the second one has, and the
// paths that are gone. A file that was renamed is told once, at its new path.
//
// Git gives up when a file that might have been renamed was left out for its
// size: then equal files are told from others by their ids, and similar ones are
// looked for among those that are here.
func (r *repo) diff(ctx context.Context, from, to string, take func(entry) error) error {
	told := false
	err := r.difference(ctx, "-M", from, to, func(e entry) error { told = true; return take(e) })
	var failed *commandError
	if told || !errors.As(err, &failed) {
		return r.sound("diff-tree", err)
	}
	moved, err := r.similar(ctx, from, to)
	if err != nil {
		return r.sound("diff-tree", err)
	}
	olds := map[string]bool{}
	for _, old := range moved {
		olds[old] = true
	}
	err = r.difference(ctx, "-M100%", from, to, func(e entry) error {
		if e.gone && olds[string(e.path)] {
			return nil
		}
		if old, ok := moved[string(e.path)]; ok {
			e.moved = []byte(old)
		}
		return take(e)
	})
	return r.sound("diff-tree", err)
}

func (r *repo) difference(ctx context.Context, renames, from, to string, take func(entry) error) error {
	return r.entries(ctx, readDiff, take, "diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-ext-diff", "--no-textconv", renames, from, to)
}

// similar finds files that were renamed and edited among those that are here: old
// paths by new ones.
func (r *repo) similar(ctx context.Context, from, to string) (map[string]string, error) {
	came, went := map[string]object{}, map[string]object{}
	err := r.difference(ctx, "-M100%", from, to, func(e entry) error {
		switch {
		case e.gone && e.was.mode != modeSubmodule:
			went[string(e.path)] = e.was
		case e.was.mode == modeNone && e.moved == nil && e.mode != modeSubmodule:
			came[string(e.path)] = object{e.mode, e.id}
		}
		return nil
	})
	if err != nil || len(came) > maxSimilar || len(went) > maxSimilar {
		return nil, err
	}
	if err := r.held(ctx, came, went); err != nil {
		return nil, err
	}
	oldPaths, newPaths := slices.Sorted(maps.Keys(went)), slices.Sorted(maps.Keys(came))
	old, err := r.flat(ctx, oldPaths, went, "o")
	if err != nil {
		return nil, err
	}
	now, err := r.flat(ctx, newPaths, came, "n")
	if err != nil {
		return nil, err
	}
	moved := map[string]string{}
	return moved, r.difference(ctx, "-M", old, now, func(e entry) error {
		if e.moved != nil {
			i, errOld := strconv.Atoi(string(e.moved[1:]))
			k, errNew := strconv.Atoi(string(e.path[1:]))
			if errOld == nil && errNew == nil {
				moved[newPaths[k]] = oldPaths[i]
			}
		}
		return nil
	})
}

// held takes out of files what is not here.
func (r *repo) held(ctx context.Context, files ...map[string]object) error {
	b := r.blobs(ctx)
	defer b.close()
	for _, of := range files {
		paths := slices.Collect(maps.Keys(of))
		ids := make([]string, len(paths))
		for i, path := range paths {
			ids[i] = of[path].id
		}
		err := b.ask(askInfo, ids, func(i int, o answer) error {
			if o.size == sizeLeftOut {
				delete(of, paths[i])
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// flat makes a tree of files, numbered in the order of paths.
func (r *repo) flat(ctx context.Context, paths []string, files map[string]object, prefix string) (string, error) {
	var in strings.Builder
	for i, path := range paths {
		fmt.Fprintf(&in, "%s blob %s\t%s%d\x00", files[path].mode, files[path].id, prefix, i)
	}
	id, err := r.client.run(ctx, command{dir: r.dir, in: strings.NewReader(in.String()), args: []string{"mktree", "-z"}})
	return strings.TrimSpace(id), err
}
