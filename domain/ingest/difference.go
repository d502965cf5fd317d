package ingest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"path"

	"github.com/confuse/data-connector/domain"
)

// maxUnread is how many unread paths a listing may have before it counts for
// nothing.
const maxUnread = 100_000

// A difference is what a complete listing says other than the rows: on disk, for
// it may be larger than memory.
type difference struct {
	items    *records[domain.Item] // new or changed ones, in the order of their keys
	gone     *vanished
	failures []domain.ItemFailure
}

func (d *difference) close() {
	if d.items != nil {
		d.items.close()
	}
	if d.gone != nil {
		d.gone.files.close()
	}
}

// difference lists the source and compares. Everything that this run has emitted
// is folded, and it emits nothing meanwhile: the rows stand still.
func (r *run) difference(ctx context.Context) (*difference, error) {
	d := &difference{}
	var err error
	if d.items, err = newRecords[domain.Item](r.spool, "items"); err != nil {
		return nil, err
	}
	if d.gone, err = newVanished(r.spool); err != nil {
		d.close()
		return nil, err
	}
	if err := r.compareListing(ctx, d); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (r *run) compareListing(ctx context.Context, d *difference) error {
	next, stop := iter.Pull2(readAhead(ctx, r.Index.Live(ctx, r.src.ID, r.caps.Identity)))
	defer stop()
	c := &comparison{run: r, difference: d, next: next, sorter: sorter{dir: r.spool}, unread: map[string]bool{}}
	defer c.sorter.close()
	if err := c.advance(); err != nil {
		return err
	}
	if err := r.conn.Snapshot(ctx, r.scope, domain.Cursor{}, c); err != nil {
		return err
	}
	if !c.complete {
		return fmt.Errorf("listing of source %s ended early: %w", r.src.ID, domain.ErrPartial)
	}
	if err := c.finish(); err != nil {
		return err
	}
	if err := d.items.seal(); err != nil {
		return err
	}
	return d.gone.seal()
}

// A comparison merges a listing with the live files, both in the order of their
// keys. It is the sink of the listing.
type comparison struct {
	*run
	*difference
	next     func() (domain.File, error, bool)
	file     domain.File     // the next live one
	more     bool            // there is one
	sorter   sorter          // for connectors without order
	last     []byte          // key of the last item compared
	recent   map[string]bool // keys of the last two pages
	previous map[string]bool
	unread   map[string]bool // raw paths at and below which nothing is missing
	complete bool
}

// Page implements domain.Sink.
func (c *comparison) Page(ctx context.Context, p domain.Page) error {
	if err := c.people.meet(ctx, p.Changes); err != nil {
		return err
	}
	c.complete = p.Complete
	c.previous, c.recent = c.recent, make(map[string]bool, len(p.Changes))
	for _, path := range p.Unread {
		c.unread[string(path)] = true
	}
	for _, f := range p.Failures {
		if c.failures = append(c.failures, f); len(c.failures) > maxFailures {
			c.failures = c.failures[:maxFailures]
			c.counts.Failed++
		}
	}
	if len(c.unread) > maxUnread {
		return fmt.Errorf("%d paths could not be read: %w", len(c.unread), domain.ErrPartial)
	}
	for _, change := range p.Changes {
		if change.Deleted || c.excluded(change.Item) {
			continue
		}
		if err := c.take(change.Item); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) ordered() bool { return c.caps.Ordered && c.caps.Identity == domain.ByPath }

// key is what listing and rows are ordered by.
func (c *comparison) key(item domain.Item) []byte {
	if c.caps.Identity == domain.ByPath {
		return item.Path
	}
	id := c.firstID(item)
	return id.UUID[:]
}

func (c *comparison) fileKey() []byte {
	if c.caps.Identity == domain.ByPath {
		return c.file.RawPath()
	}
	return c.file.ID.UUID[:]
}

// take compares an item now, if the connector lists in order, else when all are
// sorted. A page that comes twice is passed over.
func (c *comparison) take(item domain.Item) error {
	key := c.key(item)
	if !c.ordered() {
		return c.sorter.add(key, item)
	}
	if c.last != nil && bytes.Compare(key, c.last) <= 0 {
		if c.recent[string(key)] || c.previous[string(key)] {
			return nil
		}
		return fmt.Errorf("listing is out of order at %q: %w", item.Path, domain.ErrPartial)
	}
	c.recent[string(key)] = true
	return c.compare(key, item)
}

// compare passes over the live files before key, which the listing has not named,
// and spools item when it is news.
func (c *comparison) compare(key []byte, item domain.Item) error {
	c.last = key
	for c.more && bytes.Compare(c.fileKey(), key) < 0 {
		if err := c.missing(); err != nil {
			return err
		}
	}
	if c.more && bytes.Equal(c.fileKey(), key) {
		known := c.file
		if err := c.advance(); err != nil {
			return err
		}
		if unchanged(known, item) && known.Same(c.asKnown(item, known)) && !c.filter.SkipsFile(known) {
			return nil
		}
	}
	_, err := c.items.add(item)
	return err
}

// asKnown is the state of an item whose content is that of the known file.
func (c *comparison) asKnown(item domain.Item, known domain.File) domain.FileState {
	state := stateOf(item, fetched{}, known, true)
	c.people.name(item, &state)
	state.Content = known.Content
	return state
}

// missing notes the next live file as vanished, unless nothing could be listed
// where it lies.
func (c *comparison) missing() error {
	f := c.file
	if err := c.advance(); err != nil {
		return err
	}
	for p := string(f.RawPath()); ; p = path.Dir(p) {
		if c.unread[p] {
			return nil
		}
		if p == "." || p == "/" {
			break
		}
	}
	return c.gone.add(f, c.filter.SkipsFile(f))
}

func (c *comparison) advance() (err error) {
	c.file, err, c.more = c.next()
	return err
}

// finish compares what had to be sorted first, and the live files behind the last
// item.
func (c *comparison) finish() error {
	for k, err := range c.sorter.sorted() {
		if err != nil {
			return err
		}
		if err := c.compare(k.Key, k.Item); err != nil {
			return err
		}
	}
	for c.more {
		if err := c.missing(); err != nil {
			return err
		}
	}
	return nil
}

func baseName(rawPath []byte) string { return path.Base(string(rawPath)) }
