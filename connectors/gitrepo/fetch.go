package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"time"

	"github.com/confuse/data-connector/domain"
)

// errDisk ends a fetch that brings more than is allowed.
var errDisk = errors.New("repository is larger than allowed")

// corrupt is what git says of objects of ours that it cannot read.
var corrupt = regexp.MustCompile(`(?i)is corrupt|bad object|unable to (read|unpack)|cannot read|inflate|unresolved delta`)

// watchDisk is how often a fetch is looked at.
const watchDisk = 200 * time.Millisecond

// fetch brings one commit whole, but for its large files. The lock is held. What
// dies half-way leaves no ref of the commit, and is fetched again.
func (r *repo) fetch(ctx context.Context, remote Remote, commit string) error {
	filter := fmt.Sprintf("--filter=blob:limit=%d", r.limit)
	err := r.fetchOnce(ctx, remote, commit, filter)
	if again(ctx, err) && remote.Auth != nil {
		err = r.fetchOnce(ctx, remote, commit, filter)
	}
	var unsafe *UnsafeError
	if errors.As(err, &unsafe) && r.client.accepts(unsafe.ID) { // before 2.44 git forgets what is accepted when it filters
		if err = r.fetchOnce(ctx, remote, commit, "--no-filter"); err != nil {
			r.drop()
			return err
		}
	}
	m, metaErr := r.meta()
	if configErr := first(metaErr, r.configure(m.Format)); err == nil && configErr != nil {
		err = configErr
	}
	if err != nil {
		return err
	}
	if m.Packs, err = r.packs(); err != nil {
		return fmt.Errorf("gitrepo: cache: %w", err)
	}
	if len(m.Packs) == 1 && r.size() > r.client.opt.MaxDisk { // with more of them it is for open to start over
		return r.tooLarge(errDisk)
	}
	return r.keepMeta(m)
}

func (r *repo) fetchOnce(ctx context.Context, remote Remote, commit, filter string) error {
	n, err := r.client.reach(ctx, remote)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go r.watch(ctx, cancel)
	_, err = r.client.run(ctx, command{dir: r.dir, net: n, args: []string{
		"fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules",
		filter, "--", n.url.String(), "+" + commit + ":" + heldRefs + "/" + commit,
	}})
	if errors.Is(err, errDisk) {
		return r.tooLarge(err)
	}
	var failed *commandError
	switch {
	case !errors.As(err, &failed):
	case r.size() >= r.client.opt.MaxDisk: // no file of git becomes larger: see confine
		return r.tooLarge(errors.Join(errDisk, err))
	case failed.overMemory(): // git may call that corrupt, too
		r.drop()
	case corrupt.MatchString(failed.text):
		return r.damaged("fetch", err)
	}
	return r.client.classify("fetch", err)
}

func (r *repo) tooLarge(err error) error {
	r.drop()
	return fmt.Errorf("gitrepo: fetch: more than %d bytes: %w: %w", r.client.opt.MaxDisk, domain.ErrTooLarge, err)
}

// watch kills a fetch whose disk is full.
func (r *repo) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(watchDisk)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if r.size() > r.client.opt.MaxDisk {
				cancel(errDisk)
				return
			}
		}
	}
}

// size is what the repository takes on disk, in bytes.
func (r *repo) size() int64 {
	var size int64
	_ = filepath.WalkDir(filepath.Join(r.dir, "objects"), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // it went away, as files of git do
		}
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}
