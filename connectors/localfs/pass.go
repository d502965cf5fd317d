package localfs

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"

	"github.com/confuse/data-connector/domain"
)

// The files of a cache. Both hold records, each with its own checksum: a torn or
// damaged file is good up to there.
const (
	statsName   = "stats"   // the files and symlinks that the last complete walk saw, in the order of the paths, the root first
	journalName = "digests" // what was read since, in the order of reading
)

// A pass is one walk's use of the cache: it merges what is known with what the
// walk sees, in one order, and writes that down for the next one. Without a
// cache folder it knows nothing and writes nothing.
type pass struct {
	folder  string
	fresh   bool
	streams []*stream // the last walk first, when there was one
	stats   *os.File  // of the last walk; nil: none
	root    record    // of the last walk
	index   *index    // of stats by identity; nil: not made yet
	journal journal
	next    *writer // nil: nothing is written
}

// openPass opens the cache of s for a walk of root, which is the record to write
// of it. A walk that goes on in the middle only reads the cache.
func openPass(s domain.Scope, root record, whole bool) (*pass, error) {
	p := &pass{folder: s.Cache, fresh: s.Fresh}
	if p.folder == "" {
		return p, nil
	}
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return nil, fmt.Errorf("localfs: cache: %w", err)
	}
	if err := p.open(root, whole); err != nil {
		p.close()
		return nil, fmt.Errorf("localfs: cache: %w", err)
	}
	return p, nil
}

func (p *pass) open(root record, whole bool) (err error) {
	if p.stats, err = openOld(p.folder, statsName); err != nil {
		return err
	}
	if p.stats != nil {
		last := newStream(bufio.NewReader(p.stats))
		p.root = last.take()
		p.streams = append(p.streams, last)
	}
	if err := p.journal.open(p.folder); err != nil {
		return err
	}
	p.streams = append(p.streams, p.journal.streams()...)
	if whole {
		p.next, err = newWriter(p.folder, root)
	}
	return err
}

// create makes a file in the cache under a passing name. What a walk that died
// left there goes; one that still runs loses its file, which is allowed.
func create(folder, name string) (*os.File, error) {
	path := filepath.Join(folder, name+".tmp")
	if err := os.Remove(path); err != nil && !gone(err) {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// openOld opens a file of the cache; nil when there is none.
func openOld(folder, name string) (*os.File, error) {
	f, err := os.Open(filepath.Join(folder, name))
	if gone(err) {
		return nil, nil
	}
	return f, err
}

// look tells the digest of the file at path, zero when it has to be read, and
// whether the last walk saw a file there. Paths come in their order.
func (p *pass) look(path string, is stamp) (d domain.Digest, seen bool) {
	for i, s := range p.streams {
		for ; s.ok && s.head.path <= path; s.take() {
			if s.head.path < path {
				continue
			}
			seen = seen || i == 0 && p.stats != nil
			if s.head.stamp == is && is.trusted() && !s.head.digest.IsZero() && !p.fresh {
				d = s.head.digest
			}
		}
	}
	if is.trusted() {
		p.next.add(record{path: path, stamp: is, digest: d})
	}
	return d, seen
}

// was is where the last walk saw the file with this identity.
func (p *pass) was(is stamp) (path string, ok bool) {
	if p.stats == nil || p.next == nil || is.born == 0 || !is.trusted() {
		return "", false
	}
	if p.index == nil {
		p.index = newIndex(p.stats)
	}
	return p.index.find(is)
}

// moved reports whether the last walk saw files, in another root than this one.
func (p *pass) moved(root fileID) bool {
	return p.stats != nil && (p.root.stamp.id != fileID{}) && p.root.stamp.id != root && p.streams[0].any
}

// finish keeps what the walk wrote down for the next one. A failure loses it,
// which is allowed: everything is looked at again.
func (p *pass) finish() {
	if p.next == nil || p.next.keep(filepath.Join(p.folder, statsName)) != nil {
		return
	}
	_ = p.journal.drop() // kept twice at worst
}

func (p *pass) close() {
	if p.stats != nil {
		shut(p.stats)
	}
	p.journal.close()
	p.next.discard()
}
