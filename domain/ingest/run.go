package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/confuse/data-connector/domain"
)

// A run is one claim of a source at work. It is used by one goroutine, apart from
// the fetching of content and the acknowledgement of its last sync_progressed.
type run struct {
	*Engine
	src    domain.Source // as folded with the claim
	job    domain.Job
	conn   domain.Connector
	caps   domain.Capabilities
	scope  domain.Scope
	filter *Filter
	print  domain.Digest // fingerprint of the scope
	spool  string        // folder of this run, removed with it
	known  *known

	seq        int64
	packs      int // made so far
	counts     domain.Counts
	totals     domain.Totals
	progressed bool // a sync_progressed of this run was acknowledged
	cursor     *domain.Envelope
	page       *page
	progress   chan error // the sync_progressed under way; nil: none
}

// newRun prepares the run that src was claimed for.
func (e *Engine) newRun(src domain.Source) (*run, error) {
	conn, ok := e.Connectors.Find(string(src.Provider))
	if !ok {
		return nil, fmt.Errorf("no connector for provider %q", src.Provider)
	}
	filter, err := NewFilter(src.Config)
	if err != nil {
		return nil, err
	}
	cache, err := e.cacheOf(src.ID)
	if err != nil {
		return nil, err
	}
	r := &run{
		Engine: e, src: src, job: src.Jobs[0], conn: conn, caps: conn.Describe(), filter: filter,
		print: domain.ScopeOf(src.Config), spool: filepath.Join(cache, "spool-"+src.RunID.String()),
		known: newKnown(e, src.ID), counts: src.Jobs[0].Counts, cursor: src.Cursor,
	}
	r.scope = domain.Scope{
		Source: src.ID, Config: src.Config, Cache: connectorCache(e.Cache, src.ID),
		Fresh: r.job.Mode == domain.SyncFull, Skip: filter.Skips, Known: r.known,
	}
	if err := errors.Join(os.MkdirAll(r.scope.Cache, 0o700), os.MkdirAll(r.spool, 0o700)); err != nil {
		return nil, fmt.Errorf("cache folder: %w", err)
	}
	return r, nil
}

// close frees what the run holds on this machine. It may be called when the run
// was cut anywhere.
func (r *run) close() {
	if r.page != nil {
		_ = r.page.pack.Discard() // the pack is not named by any event
	}
	_ = os.RemoveAll(r.spool) // what is left is removed with the source's folder
}

// do works on the job and ends it.
func (r *run) do(ctx context.Context) error {
	var err error
	if r.totals, err = r.Index.Totals(ctx, r.src.ID); err != nil {
		return err
	}
	if r.job.Mode == domain.SyncRemove {
		return r.remove(ctx)
	}
	if err := r.sync(ctx); err != nil {
		return err
	}
	return r.end(ctx, domain.SourceSyncCompleted)
}

// sync brings the log level with the provider, whatever state the source is in.
func (r *run) sync(ctx context.Context) error {
	if _, err := r.conn.Validate(ctx, r.scope); err != nil {
		return err
	}
	feed, hasFeed := r.conn.(domain.Feed)
	if first, resumed := r.isFirst(); first {
		err := r.firstListing(ctx, feed)
		if errors.Is(err, domain.ErrCursorReset) { // I9: it cannot be resumed
			return r.relist(ctx, feed)
		}
		if err != nil || !hasFeed && !resumed {
			return err
		}
		if !hasFeed { // what was deleted since the cut is told by a comparison only
			return r.relist(ctx, feed)
		}
	} else if !hasFeed || r.job.Mode == domain.SyncFull || !r.following() {
		return r.relist(ctx, feed)
	}
	err := r.follow(ctx, feed)
	if errors.Is(err, domain.ErrCursorReset) { // I9: a full listing and the exact difference
		return r.relist(ctx, feed)
	}
	return err
}

// isFirst reports whether the source was never listed to the end, and whether an
// earlier run has begun. A run that was cut within its very first page has left
// files and no cursor: only a comparison tells which of them are still there.
func (r *run) isFirst() (first, resumed bool) {
	if r.cursor == nil {
		return r.totals.Files == 0, false
	}
	return r.cursor.Phase == domain.PhaseListing && r.cursor.Scope == r.print, true
}

// following reports whether the cursor says where the feed goes on, for what the
// source asks for now.
func (r *run) following() bool {
	return r.cursor != nil && r.cursor.Phase == domain.PhaseFollowing && r.cursor.Scope == r.print
}

// end puts the last event of the run on the log and waits until it is folded.
func (r *run) end(ctx context.Context, change domain.SourceChange) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	e := r.src.InRun(change, r.Clock.Now())
	e.Seq, e.Counts, e.Totals = r.nextSeq(), &r.counts, &r.totals
	at, err := r.append(ctx, r.src, e)
	if err != nil {
		return err
	}
	return r.Folds.Wait(ctx, at)
}

func (r *run) nextSeq() int64 {
	r.seq++
	return r.seq
}

// errPaused stops a run whose source was paused. Its job stays open.
var errPaused = errors.New("source is paused")

// holdsClaim asks the rows whether the run is still the current one (I3). A run
// that lost it does no harm, but works for nothing.
func (r *run) holdsClaim(ctx context.Context) error {
	src, err := r.Index.Source(ctx, r.src.ID)
	if err != nil {
		return err
	}
	if !src.Counts(r.src.RunID) {
		return fmt.Errorf("run %d of source %s: %w", r.src.Run, r.src.ID, domain.ErrFenced)
	}
	if src.Paused {
		return errPaused
	}
	return nil
}
