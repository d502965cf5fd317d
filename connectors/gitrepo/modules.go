package gitrepo

import (
	"errors"
	"strings"
)

const modulesPath = ".gitmodules"

// readModules reads where the submodules of the commit come from. A file that is
// not there, or cannot be read, says nothing of them.
func (v *view) readModules() error {
	v.modules = map[string]string{}
	out, err := v.repo.client.run(v.ctx, command{dir: v.repo.dir, args: []string{
		"config", "--blob=" + v.at.Commit + ":" + modulesPath, "-z", "--get-regexp", `^submodule\..*\.(path|url)$`,
	}})
	var failed *commandError
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	paths, urls := map[string]string{}, map[string]string{}
	for rec := range strings.SplitSeq(out, "\x00") {
		key, value, _ := strings.Cut(rec, "\n")
		if name, ok := strings.CutSuffix(key, ".path"); ok {
			paths[name] = value
		} else if name, ok := strings.CutSuffix(key, ".url"); ok {
			urls[name] = userinfo.ReplaceAllString(valid(value), "://") // I7: it may hold a password
		}
	}
	for name, path := range paths {
		v.modules[path] = urls[name]
	}
	return nil
}
