package pgserver

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// oldest is the oldest major version that a new cluster is made with: the ones
// before it get no fixes any more (postgresql.org/support/versioning).
const oldest = 14

// A search says which binaries will do.
type search struct {
	major int      // exactly this one, with which the cluster was made; 0: the newest
	as    *account // who must be able to run them
}

// An install is a folder with postgres and initdb, and their version.
type install struct {
	bin   string
	major int
}

// binaries is the folder of the programs to use: o.Bin, else the best ones of
// the machine, else fetched ones.
func binaries(ctx context.Context, o Options, want search) (string, error) {
	if o.Bin != "" {
		found, err := probe(ctx, o.Bin, want.as)
		if err != nil {
			return "", err
		}
		if want.major != 0 && want.major != found.major {
			return "", fmt.Errorf("the cluster was made by version %d, %q holds version %d", want.major, o.Bin, found.major)
		}
		return found.bin, nil
	}
	if found, ok := choose(installs(ctx, want.as), want.major); ok {
		return found.bin, nil
	}
	bin, err := fetch(ctx, o, want)
	if err != nil {
		return "", fmt.Errorf("no PostgreSQL %son this machine, and none could be fetched (install it, such as with apt-get install postgresql): %w", name(want.major), err)
	}
	return bin, nil
}

func name(major int) string {
	if major == 0 {
		return ""
	}
	return strconv.Itoa(major) + " "
}

// choose takes the newest install, or that of version major if it is not 0.
func choose(all []install, major int) (install, bool) {
	all = slices.DeleteFunc(all, func(i install) bool {
		if major != 0 {
			return i.major != major
		}
		return i.major < oldest
	})
	if len(all) == 0 {
		return install{}, false
	}
	return slices.MaxFunc(all, func(a, b install) int { return a.major - b.major }), true
}

// installs are those of this machine that as can run.
func installs(ctx context.Context, as *account) []install {
	var all []install
	for _, bin := range folders(ctx) {
		if i, err := probe(ctx, bin, as); err == nil {
			all = append(all, i)
		}
	}
	return all
}

// folders are where binaries may lie. Debian keeps them off the path.
func folders(ctx context.Context) []string {
	var all []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		all = append(all, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			all = append(all, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"} {
		found, _ := filepath.Glob(pattern) // fails for a bad pattern only
		all = append(all, found...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// versionLine is what postgres --version prints, such as "postgres (PostgreSQL)
// 15.18 (Debian 15.18-0+deb12u1)" or "postgres (PostgreSQL) 19beta1".
var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// probe runs both programs in bin as the account that has to run them later.
func probe(ctx context.Context, bin string, as *account) (install, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var out []byte
	for _, program := range []string{"initdb", "postgres"} {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, program), "--version")
		cmd.Dir, cmd.Env = "/", environment()
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as.credential()}
		var err error
		if out, err = cmd.Output(); err != nil {
			return install{}, fmt.Errorf("run %q: %w", cmd.Path, err)
		}
	}
	match := versionLine.FindSubmatch(out)
	if match == nil {
		return install{}, fmt.Errorf("version of %q: got %q", bin, out)
	}
	major, err := strconv.Atoi(string(match[1]))
	if err != nil {
		return install{}, fmt.Errorf("version of %q: %w", bin, err)
	}
	return install{bin: bin, major: major}, nil
}
