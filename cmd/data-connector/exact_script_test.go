package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// A tree is a folder that is changed at random. No two of its files ever have the
// same content, so that what a rename is follows from two walks alone.
type tree struct {
	root  string
	rng   *rand.Rand
	files []string // regular ones, relative
	links []string
	dirs  []string       // but for the root
	born  map[string]int // which file is at a path: renamed or edited it is the same
	n     int            // contents, names and files so far
	err   error
}

// newTree makes a folder of n files.
func newTree(root string, rng *rand.Rand, n int) *tree {
	t := &tree{root: root, rng: rng, born: map[string]int{}}
	for i := range n / 20 {
		parent := ""
		if i > 4 && rng.IntN(3) > 0 {
			parent = t.dirs[rng.IntN(len(t.dirs))] + "/"
		}
		t.mkdir(fmt.Sprintf("%sdir%d", parent, i))
	}
	for range n {
		t.add()
	}
	return t
}

func (t *tree) do(err error) { t.err = errors.Join(t.err, err) }

func (t *tree) path(rel string) string { return filepath.Join(t.root, rel) }

func (t *tree) fresh() string { t.n++; return fmt.Sprintf("%032d", t.n) }

// file is the name of any regular file.
func (t *tree) file() string { return t.files[t.rng.IntN(len(t.files))] }

func (t *tree) dir() string { return t.dirs[t.rng.IntN(len(t.dirs))] }

func (t *tree) name() string { t.n++; return fmt.Sprintf("%s/n%d.txt", t.dir(), t.n) }

func (t *tree) mkdir(rel string) {
	t.do(os.MkdirAll(t.path(rel), 0o700))
	t.dirs = append(t.dirs, rel)
}

func (t *tree) write(rel string) {
	t.do(os.WriteFile(t.path(rel), []byte(t.fresh()), 0o600))
	if t.born[rel] == 0 {
		t.born[rel] = t.n
	}
}

func (t *tree) add() {
	rel := t.name()
	t.write(rel)
	t.files = append(t.files, rel)
}

// move renames a file over whatever file is there.
func (t *tree) move(from, to string) {
	t.do(os.Rename(t.path(from), t.path(to)))
	it := t.born[from]
	t.drop(from)
	t.drop(to)
	t.files, t.born[to] = append(t.files, to), it
}

// drop forgets a path and what is below it.
func (t *tree) drop(rel string) {
	gone := func(p string) bool { return p == rel || strings.HasPrefix(p, rel+"/") }
	t.files, t.links, t.dirs = slices.DeleteFunc(t.files, gone), slices.DeleteFunc(t.links, gone), slices.DeleteFunc(t.dirs, gone)
	maps.DeleteFunc(t.born, func(p string, _ int) bool { return gone(p) })
}

// moveDir renames a folder to a path that is free.
func (t *tree) moveDir(from, to string) {
	t.do(os.Rename(t.path(from), t.path(to)))
	for _, list := range [][]string{t.files, t.links, t.dirs} {
		for i, p := range list {
			if p == from || strings.HasPrefix(p, from+"/") {
				list[i] = to + p[len(from):]
				if it := t.born[p]; it != 0 {
					delete(t.born, p)
					t.born[list[i]] = it
				}
			}
		}
	}
}

// step is one change, whatever comes.
func (t *tree) step() {
	steps := []func(){
		t.edit, t.edit, t.edit, t.edit, t.add, t.add, t.add, t.remove, t.remove, t.rename, t.rename,
		t.renameDir, t.chain, t.swap, t.swapDirs, t.rotate, t.rotate, t.turnCase, t.turnCase, t.changeType, t.changeType, t.removeDir,
	}
	steps[t.rng.IntN(len(steps))]()
}

func (t *tree) edit() {
	rel := t.file()
	t.write(rel)
	if t.rng.IntN(2) == 0 { // else it keeps its size
		f, err := os.OpenFile(t.path(rel), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(" longer")
			err = errors.Join(err, f.Close())
		}
		t.do(err)
	}
}

func (t *tree) remove() {
	rel := t.file()
	t.do(os.Remove(t.path(rel)))
	t.drop(rel)
}

func (t *tree) rename() { t.move(t.file(), t.name()) }

// inside tells whether one path holds the other.
func inside(a, b string) bool {
	return strings.HasPrefix(a+"/", b+"/") || strings.HasPrefix(b+"/", a+"/")
}

func (t *tree) renameDir() {
	from, parent := t.dir(), t.dir()
	if !inside(from, parent) {
		t.n++
		t.moveDir(from, fmt.Sprintf("%s/moved%d", parent, t.n))
	}
}

// chain is a to b while b goes to c, and c to a new path.
func (t *tree) chain() {
	a, b, c := t.file(), t.file(), t.file()
	if a == b || b == c || a == c {
		return
	}
	t.move(c, t.name())
	t.move(b, c)
	t.move(a, b)
}

func (t *tree) swap() {
	if a, b := t.file(), t.file(); a != b {
		t.move(a, a+".swap")
		t.move(b, a)
		t.move(a+".swap", b)
	}
}

func (t *tree) swapDirs() {
	if a, b := t.dir(), t.dir(); !inside(a, b) {
		t.moveDir(a, a+".swap")
		t.moveDir(b, a)
		t.moveDir(a+".swap", b)
	}
}

// rotate does as logrotate: the newest file always has the same name.
func (t *tree) rotate() {
	rel := t.file()
	if slices.Contains(t.files, rel+".1") {
		t.move(rel+".1", rel+".2")
	}
	t.move(rel, rel+".1")
	t.write(rel)
	t.files = append(t.files, rel)
}

// turnCase renames to the same name in the other case, a file or a folder.
func (t *tree) turnCase() {
	turn := func(rel string) string {
		dir, base := filepath.Split(rel)
		return dir + strings.Map(func(r rune) rune {
			if unicode.IsUpper(r) {
				return unicode.ToLower(r)
			}
			return unicode.ToUpper(r)
		}, base)
	}
	if t.rng.IntN(4) == 0 {
		rel := t.dir()
		t.moveDir(rel, turn(rel))
		return
	}
	rel := t.file()
	t.move(rel, turn(rel))
}

// changeType makes a file a folder or a link, or a link a file.
func (t *tree) changeType() {
	if len(t.links) > 0 && t.rng.IntN(3) == 0 {
		rel := t.links[t.rng.IntN(len(t.links))]
		t.do(os.Remove(t.path(rel)))
		t.drop(rel)
		t.write(rel)
		t.files = append(t.files, rel)
		return
	}
	rel := t.file()
	t.do(os.Remove(t.path(rel)))
	t.drop(rel)
	if t.rng.IntN(2) == 0 {
		t.do(os.Symlink("to-"+t.fresh(), t.path(rel)))
		t.links, t.born[rel] = append(t.links, rel), t.n
		return
	}
	t.mkdir(rel)
	t.write(rel + "/inner")
	t.files = append(t.files, rel+"/inner")
}

// removeDir removes a folder with some files, and sometimes puts a file there.
func (t *tree) removeDir() {
	rel, n := t.dir(), 0
	for _, f := range t.files {
		if strings.HasPrefix(f, rel+"/") {
			n++
		}
	}
	if n > 30 || len(t.dirs) < 20 {
		return
	}
	t.do(os.RemoveAll(t.path(rel)))
	t.drop(rel)
	if t.rng.IntN(2) == 0 {
		t.write(rel)
		t.files = append(t.files, rel)
	}
}

// contents is what each path of a folder holds: a digest, or where a link leads.
func contents(dir string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			all[rel] = "link to " + to
			return err
		}
		raw, err := os.ReadFile(path)
		sum := sha256.Sum256(raw)
		all[rel] = hex.EncodeToString(sum[:])
		return err
	})
	return all, err
}
