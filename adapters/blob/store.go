package blob

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/confuse/data-connector/domain"
)

// tempPrefix begins the names of all files that are not packs yet. No pack has
// such a name.
const tempPrefix = ".tmp-"

// A Store is a content store in a folder. It may be used concurrently, also by
// several processes.
type Store struct {
	root   string
	disk   disk
	codecs codecs

	mu    sync.Mutex
	known map[string]bool // folders of runs whose names are durable up to the root
}

var _ domain.Packs = (*Store)(nil)

// Open gives the store at address, file:///path, and makes its folder if it is
// missing. Another scheme is an error that names what is supported.
func Open(_ context.Context, address string) (*Store, error) {
	root, err := folder(address)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return open(root, system{})
}

// folder reads file:///path. No error shows the address: other schemes have
// secrets in theirs (I7).
func folder(address string) (string, error) {
	const want = "want file:///path/of/a/folder"
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("address of the content store is not a URL; " + want)
	}
	if u.Scheme != "file" {
		return "", fmt.Errorf("content store %q is not supported for now; %s", u.Scheme, want)
	}
	if (u.Host != "" && u.Host != "localhost") || !filepath.IsAbs(u.Path) || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("address of the content store is not an absolute path; " + want)
	}
	return filepath.Clean(u.Path), nil
}

func open(root string, d disk) (*Store, error) {
	s := &Store{root: root, disk: d, known: make(map[string]bool)}
	for _, dir := range []string{filepath.Join(root, packsFolder), s.staging()} {
		if err := makeAll(d, dir); err != nil {
			return nil, fmt.Errorf("blob: %w", err)
		}
	}
	if err := d.SyncDir(root); err != nil { // who made the folders may have died before
		return nil, fmt.Errorf("blob: %w", err)
	}
	return s, nil
}

func (s *Store) staging() string { return filepath.Join(s.root, "staging") }

// path is where the pack name lies.
func (s *Store) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// maxKnown bounds the memory of known; forgetting costs a few syncs.
const maxKnown = 1000

// makeRun makes dir, the folder of a run, and the one of its source. Their names
// are durable when it returns. A folder that is there may be the work of another
// process that has not synced it, so the first use in each process syncs, too.
func (s *Store) makeRun(dir string) error {
	source := filepath.Dir(dir)
	made := false
	for _, d := range []string{source, dir} {
		fresh, err := makeOne(s.disk, d)
		if err != nil {
			return err
		}
		made = made || fresh
	}
	s.mu.Lock()
	known := s.known[dir]
	s.mu.Unlock()
	if known && !made {
		return nil
	}
	if err := errors.Join(s.disk.SyncDir(source), s.disk.SyncDir(filepath.Dir(source))); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[dir] = true
	return nil
}
