package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// initTimeout is far above the second or two that initdb takes.
const initTimeout = 2 * time.Minute

// create makes the cluster aside and renames it: one that has its name is whole.
func (c *cluster) create(ctx context.Context) error {
	aside := filepath.Join(c.Dir, newFolder)
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	if err := os.Mkdir(aside, 0o700); err != nil {
		return err
	}
	if err := c.initdb(ctx, aside); err != nil {
		return err
	}
	if err := os.Rename(aside, c.data()); err != nil {
		return err
	}
	return syncFolder(c.Dir)
}

func (c *cluster) initdb(ctx context.Context, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, initTimeout)
	defer cancel()
	password, err := c.passwordPipe()
	if err != nil {
		return err
	}
	defer func() { _ = password.Close() }() // read only
	args := []string{
		"--username=" + c.User, "--auth=scram-sha-256", "--pwfile=/dev/stdin",
		"--encoding=UTF8", "--locale=C", "--data-checksums",
	}
	if c.NoFsync {
		args = append(args, "--no-sync")
	}
	cmd, release, err := c.command(ctx, folder, "initdb", args...)
	if err != nil {
		return err
	}
	defer release()
	cmd.Stdin = password
	if err := run(cmd); err != nil {
		return fmt.Errorf("initdb: %w%s", err, tail(filepath.Join(c.Dir, logFile)))
	}
	return nil
}

// passwordPipe hands the password over without a file and without an argument.
func (c *cluster) passwordPipe() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(w, c.Password) // fits into the pipe's buffer
	if err = errors.Join(err, w.Close(), c.as.give(r)); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
