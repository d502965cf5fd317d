package localfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/confuse/data-connector/domain"
)

var _ domain.Connector = (*Connector)(nil)

// Provider is the name of the connector.
const Provider domain.Provider = "localfs"

// Options are what the operator decides.
type Options struct {
	Allowed []string     // absolute folders; roots lie at or below one of them. None: no root is allowed
	Own     []string     // absolute folders of the service itself: never listed, so that it does not feed on its own data
	Clock   domain.Clock // required
}

// A Connector reads folders. It may be used concurrently.
type Connector struct {
	allowed, own []string
	clock        domain.Clock
	page         int // most entries of a page
	watches      int // most folders of one Watch
	resolved     resolved
	notes        notes
}

// New makes a connector. It looks at nothing yet: a folder that is allowed may
// be made, or mounted, later.
func New(o Options) *Connector {
	return &Connector{allowed: o.Allowed, own: o.Own, clock: o.Clock, page: maxPage, watches: maxWatches}
}

// Describe implements domain.Connector.
func (c *Connector) Describe() domain.Capabilities {
	return domain.Capabilities{
		Provider: Provider, Aliases: []domain.Provider{"local"}, Identity: domain.ByPath, Ordered: true,
		Options: []domain.Option{{
			Name: optionRoot, Kind: domain.OptionString, Required: true,
			Help: "Absolute path of the folder, at or below one of FS_ALLOWED_PATHS.",
		}},
	}
}

// Validate implements domain.Connector. The external key is the real path, so
// two paths that lead to one folder through symlinks are one object; two mounts
// of it are two. A root that is missing is an InvalidError to somebody who wants
// to connect it, and ErrGone in a run.
func (c *Connector) Validate(_ context.Context, s domain.Scope) (domain.Identity, error) {
	r, err := c.open(s)
	if err != nil {
		return domain.Identity{}, c.answer(s, err)
	}
	defer r.close()
	if err := readable(r.dir); err != nil {
		return domain.Identity{}, c.answer(s, c.classifyRoot(err))
	}
	key := r.path
	if !utf8.ValidString(key) {
		key = strconv.Quote(key) // two such paths stay two keys
	}
	return domain.Identity{ExternalKey: key, Name: valid(filepath.Base(r.path))}, nil
}

// readable reports whether the names in a folder can be read.
func readable(dir *os.Root) error {
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer shut(f)
	if _, err := f.ReadDir(1); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Snapshot implements domain.Connector. A root that is gone is ErrGone; so is an
// empty one that stands where another folder with files was at the last walk: it
// is taken for a mount point without its mount, until there is a file in it.
func (c *Connector) Snapshot(ctx context.Context, s domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	r, err := c.open(s)
	if err != nil {
		return err
	}
	defer r.close()
	after := parseCursor(resume, r.id)
	c.notes.flush(s.Cache)       // what the last run has read
	defer c.notes.flush(s.Cache) // what is read for the pages of this one
	p, err := openPass(s, rootRecord(r.id, c.clock.Now()), after == "")
	if err != nil {
		return err
	}
	defer p.close()
	l := &lister{root: r, cache: p, out: &pager{ctx: ctx, sink: sink, root: r.id, most: c.page}}
	w := &walk{ctx: ctx, scope: s, path: r.path, own: c.own, after: after, to: l}
	if err := w.all(r.dir); err != nil {
		return err
	}
	if err := c.proveComplete(s, l, after == ""); err != nil {
		return err
	}
	if err := l.out.complete(); err != nil {
		return err
	}
	p.finish() // only now: until the listing is taken, what is new to it must stay new
	return nil
}

// proveComplete is the licence for Complete (I8): the walk came to its end and
// the root is still the folder it began with. whole: it began at the start.
func (c *Connector) proveComplete(s domain.Scope, l *lister, whole bool) error {
	again, err := c.open(s)
	if err != nil {
		return err
	}
	defer again.close()
	if !os.SameFile(l.root.info, again.info) {
		return fmt.Errorf("localfs: root was replaced during the walk: %w", domain.ErrGone)
	}
	if whole && l.out.empty() && l.cache.moved(l.root.id) {
		return fmt.Errorf("localfs: root is another folder than before, and empty: %w", domain.ErrGone)
	}
	return nil
}

// valid is s as UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
