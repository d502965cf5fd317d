package pgserver

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// command is a program of the cluster that works on folder, which it gets as
// descriptor 3, and writes to the log. release closes what it holds, to be
// called once it has started, or will not be.
func (c *cluster) command(ctx context.Context, folder, name string, args ...string) (_ *exec.Cmd, release func(), _ error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, nil, err
	}
	out, err := os.OpenFile(filepath.Join(c.Dir, logFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	release = func() {
		_ = dir.Close() // read only
		_ = out.Close() // only the child writes
	}
	if err := c.as.give(dir); err != nil {
		release()
		return nil, nil, err
	}
	reached := folder
	if c.as != nil {
		reached = "/proc/self/fd/3" // no right on the folders above is needed
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), append([]string{"-D", reached}, args...)...)
	cmd.Dir = "/"           // the programs want to get back to where they were started
	cmd.Env = environment() // nothing of ours: there are secrets in it
	cmd.SysProcAttr = attributes(c.as)
	cmd.ExtraFiles = []*os.File{dir, c.lock}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, release, nil
}

// environment is what the programs need to run and nothing more.
func environment() []string {
	env := []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	if libs, ok := os.LookupEnv("LD_LIBRARY_PATH"); ok {
		env = append(env, "LD_LIBRARY_PATH="+libs)
	}
	return env
}
