package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

// smallFiles is how many files the trees of the two sync figures hold.
const smallFiles = 100_000

func firstSyncFigure() figure {
	return figure{
		name:      "first_sync",
		title:     "First sync of 100,000 small files, from `POST /sources` until `GET /sources/{id}/files` shows them all",
		reference: "a plain loop in one process: walk the tree, read each file, sha256, append the bytes to one file, fsync it once",
		note:      "Each round has a new service on empty topics and an empty database, which has synced another folder before.",
		measure:   firstSync,
	}
}

func firstSync(ctx context.Context, b *bench) ([]figures.Line, error) {
	n := b.scaled(smallFiles)
	dir, err := os.MkdirTemp(b.dir, "bench-tree-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary files
	tree, warm := filepath.Join(dir, "tree"), filepath.Join(dir, "warm")
	if err := errors.Join(testbed.MakeTree(tree, n), testbed.MakeTree(warm, 1000)); err != nil {
		return nil, err
	}
	ours := func(ctx context.Context) (float64, error) { return timeFirstSync(ctx, b, dir, n) }
	plainLoop := func(context.Context) (float64, error) {
		start := b.clock.Now()
		err := packTree(tree, filepath.Join(dir, "pack"))
		return b.elapsed(start).Seconds(), err
	}
	value, ref, err := b.medians(ctx, ours, plainLoop)
	if err != nil {
		return nil, err
	}
	return []figures.Line{figures.AtMost("first_sync", "s", value, ref, 3, 0)}, nil
}

// timeFirstSync is how long a new service takes for dir/tree.
func timeFirstSync(ctx context.Context, b *bench, dir string, n int) (seconds float64, err error) {
	s, err := b.startService(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if _, _, err := timeConnect(ctx, s, filepath.Join(dir, "warm"), 1000); err != nil {
		return 0, err
	}
	_, took, err := timeConnect(ctx, s, filepath.Join(dir, "tree"), n)
	return took.Seconds(), err
}

// timeConnect connects a folder and returns once its n files are visible.
func timeConnect(ctx context.Context, s *service, folder string, n int) (source string, took time.Duration, err error) {
	start := s.bench.clock.Now()
	source, first, err := s.Connect(ctx, folder, true)
	if err == nil {
		err = s.Wait(ctx, first)
	}
	if err == nil {
		err = s.Expect(ctx, source, n)
	}
	return source, s.bench.elapsed(start), err
}

// packTree is the reference: the least that has to be done to have the content of
// a tree with its digests, durable, in one place.
func packTree(root, pack string) error {
	out, err := os.Create(pack)
	if err != nil {
		return err
	}
	to := bufio.NewWriterSize(out, 256<<10)
	digests := map[string][sha256.Size]byte{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		digests[path], err = packFile(path, to)
		return err
	})
	return errors.Join(err, to.Flush(), out.Sync(), out.Close(), os.Remove(pack))
}

func packFile(path string, to io.Writer) ([sha256.Size]byte, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	_, err = to.Write(bytes)
	return sha256.Sum256(bytes), err
}
