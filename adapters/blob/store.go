package blob

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/confuse/data-connector/domain"
)

// A Store is a content store in a folder or a bucket. It may be used
// concurrently, also by several processes.
type Store struct {
	driver driver
	spool  spool
	codecs codecs
}

var _ domain.Packs = (*Store)(nil)

// Open gives the store at address: file:///path, s3://bucket, gs://bucket or
// azblob://container; see the package for their options. A folder that is
// missing is made, a bucket is not. Another scheme is an error that names what is
// supported. The store is closed with Close.
func Open(ctx context.Context, address string) (*Store, error) {
	u, err := parse(address)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	if u.Scheme == folderScheme {
		return openFolder(filepath.Clean(u.Path), system{})
	}
	return openBucket(ctx, u)
}

// Close frees the connections of the store. It is the last call.
func (s *Store) Close() error {
	if err := s.driver.close(); err != nil {
		return fmt.Errorf("blob: close: %w", err)
	}
	return nil
}

// Check returns an error when the store cannot be used now: its folder or bucket
// is missing or closed to this process.
func (s *Store) Check(ctx context.Context) error {
	if err := s.driver.check(ctx); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// prefix begins the names of all packs of source.
func prefix(source domain.SourceID) string { return packsFolder + "/" + source.String() + "/" }

// List gives the packs of source, in no order, and nothing else that lies beside
// them.
func (s *Store) List(ctx context.Context, source domain.SourceID) iter.Seq2[domain.PackInfo, error] {
	return func(yield func(domain.PackInfo, error) bool) {
		for info, err := range s.driver.list(ctx, prefix(source)) {
			if err != nil {
				yield(domain.PackInfo{}, fmt.Errorf("blob: list packs of source %q: %w", source, err))
				return
			}
			if checkName(info.Name) == nil && !yield(info, nil) {
				return
			}
		}
	}
}

// Delete deletes the pack name. Who reads it in a folder goes on to its end. A
// name that no pack can have is an error.
func (s *Store) Delete(ctx context.Context, name string) error {
	err := checkName(name)
	if err == nil {
		err = s.driver.delete(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("blob: delete %q: %w", name, err)
	}
	return nil
}

// DropSource deletes every pack of source. Who reads one in a folder goes on to
// its end. After an error some are left; calling it again deletes them.
func (s *Store) DropSource(ctx context.Context, source domain.SourceID) error {
	if err := s.drop(ctx, source); err != nil {
		return fmt.Errorf("blob: drop source %q: %w", source, err)
	}
	return nil
}

func (s *Store) drop(ctx context.Context, source domain.SourceID) error {
	if t, ok := s.driver.(tidier); ok {
		return t.drop(ctx, source)
	}
	for info, err := range s.driver.list(ctx, prefix(source)) {
		if err == nil {
			err = s.driver.delete(ctx, info.Name)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Sweep removes the temporary files that killed processes have left in a folder
// and counts them; in a bucket there are none. It is called at the start and
// looks at every folder, so not before the service answers.
//
// A file goes when it was not written to for a day, by the clock of the file
// system. That asks no process whether it lives, on this host or another. Should
// one have slept that long in the middle of a pack, its Commit fails: no event
// then names the pack.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	t, ok := s.driver.(tidier)
	if !ok {
		return 0, nil
	}
	n, err := t.sweep(ctx)
	if err != nil {
		return n, fmt.Errorf("blob: sweep: %w", err)
	}
	return n, nil
}
