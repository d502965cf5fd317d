package localfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/confuse/data-connector/domain"
)

const optionRoot = "rootPath"

// A root is the folder of one source, opened.
type root struct {
	path string // real, absolute
	dir  *os.Root
	info os.FileInfo
	id   fileID
}

func (r *root) close() { shut(r.dir) }

// errOutside says the same of every path that is not allowed, there or not: a
// stranger must not learn what lies elsewhere on the machine.
var errOutside = errors.New("lies outside the allowed folders")

// open opens the root of s. A bad or forbidden path is an InvalidError, a missing
// root ErrGone.
func (c *Connector) open(s domain.Scope) (*root, error) {
	path, err := c.rootPath(s.Config)
	if err != nil {
		return nil, err
	}
	base, rel, err := c.place(path)
	if err != nil {
		return nil, c.classifyRoot(err)
	}
	// Through the allowed folder: a link put in the way after place cannot lead out.
	allowed, err := os.OpenRoot(base)
	if err != nil {
		return nil, c.classifyRoot(err)
	}
	defer shut(allowed)
	dir, err := openFolder(allowed, rel)
	if err != nil {
		return nil, c.classifyRoot(err)
	}
	r := &root{path: filepath.Join(base, rel), dir: dir}
	if r.info, err = dir.Stat("."); err == nil {
		r.id, err = idOf(dir)
	}
	if err != nil {
		r.close()
		return nil, c.classifyRoot(err)
	}
	return r, nil
}

// rootPath reads the option. What it refuses needs no look at the disk.
func (c *Connector) rootPath(config json.RawMessage) (string, error) {
	var options map[string]json.RawMessage
	if err := json.Unmarshal(config, &options); err != nil {
		return "", &domain.InvalidError{Field: "config", Problem: "is not an object"}
	}
	var path string
	problem := ""
	switch raw, ok := options[optionRoot]; {
	case !ok:
		problem = "is required"
	case json.Unmarshal(raw, &path) != nil:
		problem = "is not a string"
	case path == "":
		problem = "is empty"
	case strings.ContainsRune(path, 0):
		problem = "contains NUL"
	case !filepath.IsAbs(path):
		problem = "is not absolute"
	case slices.Contains(strings.Split(path, "/"), ".."):
		problem = `contains ".."`
	}
	if problem != "" {
		return "", c.refuse(problem)
	}
	return filepath.Clean(path), nil
}

// place finds the allowed folder that path really lies in, and the way from
// there. A path that cannot be followed is errOutside as well, unless as much of
// it as can be lies inside.
func (c *Connector) place(path string) (base, rel string, err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = existing(path)
	}
	for _, a := range c.allowed {
		folder, missing := filepath.EvalSymlinks(a)
		switch {
		case missing != nil && below(filepath.Clean(a), path):
			return "", "", missing
		case missing != nil || !below(folder, real):
			continue
		case err != nil:
			return "", "", err
		}
		rel, err := filepath.Rel(folder, real)
		return folder, rel, err
	}
	return "", "", errOutside
}

// existing is the real path of the nearest folder above path that there is.
func existing(path string) string {
	for up := filepath.Dir(path); ; up = filepath.Dir(up) {
		if real, err := filepath.EvalSymlinks(up); err == nil || up == "/" {
			return real
		}
	}
}

func below(folder, path string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// classifyRoot turns trouble with a root into our errors.
func (c *Connector) classifyRoot(err error) error {
	switch {
	case errors.Is(err, errOutside):
		return c.refuse(errOutside.Error())
	case errors.Is(err, fs.ErrNotExist), notFolder(err), errors.Is(err, domain.ErrChanging):
		return fmt.Errorf("localfs: open root: %w: %w", domain.ErrGone, err)
	}
	return classify("open root", err)
}

// answer is the error of Validate. Outside a run it is for somebody who wants to
// connect a root, and can choose another one.
func (c *Connector) answer(s domain.Scope, err error) error {
	switch {
	case s.Known != nil:
		return err
	case notFolder(err):
		return c.refuse("is not a folder")
	case errors.Is(err, domain.ErrGone):
		return c.refuse("does not exist")
	case errors.Is(err, fs.ErrPermission):
		return c.refuse("cannot be read by the service")
	}
	return err
}

func (c *Connector) refuse(problem string) error {
	allowed := "an absolute path at or below " + strings.Join(c.allowed, ", ")
	if len(c.allowed) == 0 {
		allowed = "nothing: FS_ALLOWED_PATHS is empty"
	}
	return &domain.InvalidError{Field: "config." + optionRoot, Problem: problem, Allowed: allowed}
}
