package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

func forgeFirstSyncFigure() figure {
	return figure{
		name:      "forge_first_sync",
		title:     "First sync of the Go source tree from a GitHub (more than 7,000 files), from `POST /sources` until `GET /sources/{id}/files` shows them all",
		reference: "`git clone --bare --depth=1`, `git ls-tree` and `git cat-file --batch` of everything, from the same server",
		note:      "Each round has a new service on empty topics and an empty database, which has synced a folder of 1,000 files before.",
		measure:   forgeFirstSync,
	}
}

func forgeFirstSync(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	dir, err := os.MkdirTemp(b.dir, "bench-forge-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary files
	if err := testbed.MakeTree(filepath.Join(dir, "warm"), 1000); err != nil {
		return nil, err
	}
	err = testbed.WithForge(ctx, dir, func(ctx context.Context, f *testbed.Forge) error {
		most := 0
		if b.scale != 1 {
			most = b.scaled(10_000)
		}
		n, err := f.ImportGo(ctx, most)
		if err != nil {
			return err
		}
		ours := func(ctx context.Context) (float64, error) { return b.timeForge(ctx, f, dir, n) }
		plainGit := func(ctx context.Context) (float64, error) {
			start := b.clock.Now()
			err := cloneAll(ctx, f.Repo.URL, filepath.Join(dir, "clone"))
			return b.elapsed(start).Seconds(), err
		}
		value, ref, err := b.medians(ctx, ours, plainGit)
		lines = []figures.Line{
			figures.AtMost("forge_first_sync", "s", value, ref, 2.5, 0), figures.Plain("forge_first_sync_files", "files", float64(n)),
		}
		return err
	})
	return lines, err
}

// timeForge is how long a new service takes for the n files of f.
func (b *bench) timeForge(ctx context.Context, f *testbed.Forge, dir string, n int) (seconds float64, err error) {
	s, err := b.startService(ctx, dir, f.Variables()...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if _, _, err := timeConnect(ctx, s, filepath.Join(dir, "warm"), 1000); err != nil {
		return 0, err
	}
	_, took, err := timeConnectForge(ctx, s, f, n)
	return took.Seconds(), err
}

// timeConnectForge connects the repository of f and returns once its n files are
// visible.
func timeConnectForge(ctx context.Context, s *service, f *testbed.Forge, n int) (source string, took time.Duration, err error) {
	start := s.bench.clock.Now()
	source, first, err := s.ConnectForge(ctx, f)
	if err == nil {
		err = s.Wait(ctx, first)
	}
	if err == nil {
		err = s.Expect(ctx, source, n)
	}
	return source, s.bench.elapsed(start), err
}

// cloneAll is the reference: the least that git itself has to do to read all that a
// commit holds.
func cloneAll(ctx context.Context, url, dir string) error {
	if _, err := git(ctx, nil, "clone", "--quiet", "--bare", "--depth=1", url, dir); err != nil {
		return err
	}
	list, err := git(ctx, nil, "--git-dir="+dir, "ls-tree", "-r", "HEAD")
	if err != nil {
		return err
	}
	var ids bytes.Buffer
	for line := range strings.Lines(string(list)) {
		ids.WriteString(strings.Fields(line)[2] + "\n")
	}
	if _, err = git(ctx, ids.Bytes(), "--git-dir="+dir, "cat-file", "--batch"); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// git runs git as a user would.
func git(ctx context.Context, in []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Stdin = bytes.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, &said)
	}
	return out, nil
}
