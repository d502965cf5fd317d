package main

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// packs are the sizes of all packs that were ever committed, by name.
type packs map[string]int64

// look notes the packs in a folder. It is called while no service runs: what a
// dead run left is deleted by the next one.
func (p packs) look(root string) error {
	return filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil || !strings.HasPrefix(name, "packs/") || strings.HasPrefix(d.Name(), ".") || strings.Contains(d.Name(), "tmp") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			p[filepath.ToSlash(name)] = info.Size()
		}
		return err
	})
}

// wasted is the most packs of one run of which not all is named by what lives:
// each run has a folder of its own, and died once.
func (p packs) wasted(kept map[string]int64) int {
	runs, most := map[string]int{}, 0
	for name, size := range p {
		if kept[name] < size {
			runs[path.Dir(name)]++
			most = max(most, runs[path.Dir(name)])
		}
	}
	return most
}
