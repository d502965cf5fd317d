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
// the fetching of content and the page on its way to the log.
type run struct {
	*Engine
	src    domain.Source // as folded with the claim
	job    domain.Job
	conn   domain.Connector
	caps   domain.Capabilities
	scope  domain.Scope
	filter *Filter
	print  domain.Digest // fingerprint of the scope
	object domain.ObjectState
	spool  string // folder of this run, removed with it
	known  *known
	people *people
	wanted func() bool // others wait, and this run has had its time

	seq        int64
	packs      int  // made so far
	unread     bool // an item could not be read, for a reason that may pass
	counts     domain.Counts
	totals     domain.Totals
	progressed bool // a sync_progressed of this run was acknowledged
	cursor     *domain.Envelope
	page       *page
	sending    chan sending // the page on its way; nil: none
}

// newRun prepares the run that src was claimed for.
func (e *Engine) newRun(src domain.Source) (*run, error) {
	r := &run{
		Engine: e, src: src, job: src.Jobs[0], print: domain.ScopeOf(src.Config),
		known: newKnown(e, src), people: newPeople(e, src), counts: src.Jobs[0].Counts, cursor: src.Cursor,
	}
	if r.job.Mode == domain.SyncRemove { // asks nobody, and no option is in its way
		return r, nil
	}
	conn, ok := e.Connectors.Find(string(src.Provider))
	if !ok {
		return nil, fmt.Errorf("no connector for provider %q", src.Provider)
	}
	r.conn, r.caps = conn, conn.Describe()
	var err error
	if r.scope, r.filter, err = (scoper{e.Cache, e.Credentials}).scope(src); err != nil {
		return nil, err
	}
	r.scope.Fresh, r.scope.Known = r.job.Mode == domain.SyncFull, r.known
	r.scope.Awaited = r.job.Trigger == domain.TriggerHint || r.job.Trigger == domain.TriggerManual
	return r, r.makeFolders()
}

// makeFolders makes the cache of the connector and the spool of this run. Spools
// of runs that died are deleted.
func (r *run) makeFolders() error {
	cache, err := r.cacheOf(r.src.ID)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(cache, "spool-*"))
	for _, dir := range old {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	r.spool = filepath.Join(cache, "spool-"+r.src.RunID.String())
	if err := errors.Join(err, os.MkdirAll(r.scope.Cache, 0o700), os.MkdirAll(r.spool, 0o700)); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	return nil
}

// close frees what the run holds on this machine. It may be called when the run
// was cut anywhere.
func (r *run) close() {
	if r.sending != nil {
		<-r.sending // it uses the pack and the log; what became of it does not matter any more
	}
	if r.page != nil {
		_ = r.page.pack.Discard() // the pack is not named by any event
	}
	if r.spool != "" {
		_ = os.RemoveAll(r.spool) // what is left the next run deletes
	}
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
	if err := r.restore(ctx); err != nil {
		return err
	}
	return r.end(ctx, domain.SourceSyncCompleted)
}

// sync brings the log level with the provider, whatever state the source is in.
func (r *run) sync(ctx context.Context) error {
	if err := r.validate(ctx); err != nil {
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

// validate looks whether the scope is there and still the object that the source
// was connected to. Another one under its name is never followed: its files are no
// difference of this source.
func (r *run) validate(ctx context.Context) error {
	found, err := r.conn.Validate(ctx, r.scope)
	if err == nil && domain.Clean(found.ExternalKey) != r.src.ExternalKey {
		return fmt.Errorf("another object, %q, has its name at the provider: %w", found.Name, domain.ErrGone)
	}
	if err == nil {
		r.object = cleanState(found.State)
	}
	return err
}

// news is how the object is now, when the log says something else of it.
func (r *run) news() *domain.ObjectState {
	if r.object == (domain.ObjectState{}) || r.src.Object != nil && *r.src.Object == r.object {
		return nil
	}
	return &r.object
}

func cleanState(s domain.ObjectState) domain.ObjectState {
	s.Name, s.URL, s.Visibility = domain.Clean(s.Name), domain.Clean(s.URL), domain.Clean(s.Visibility)
	return s
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
// source asks for now. Items that could not be read are not told of again by a
// feed: a listing finds them.
func (r *run) following() bool {
	return r.cursor != nil && r.cursor.Phase == domain.PhaseFollowing && r.cursor.Scope == r.print && !r.cursor.Unread
}

// end puts the last event of the run on the log and waits until it is folded.
func (r *run) end(ctx context.Context, change domain.SourceChange) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	e := r.src.InRun(change, r.Clock.Now())
	e.Seq, e.Counts, e.Totals, e.Object = r.nextSeq(), &r.counts, &r.totals, r.news()
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

// errGaveWay ends a run behind a page because others wait for their turn. Its job
// stays open.
var errGaveWay = errors.New("the run gives way to others")

// giveWay ends the run when others want its place. What it has done is durable then,
// and its cursor says where the next run goes on.
func (r *run) giveWay(ctx context.Context) error {
	if !r.wanted() {
		return nil
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	return errGaveWay
}

// giveWayBehind is giveWay behind a page that has moved the cursor from before. Of a
// connector that cannot go on between its pages, such as one in the middle of a
// difference, the next run would begin where this one has: two such runs would give
// way to each other for ever.
func (r *run) giveWayBehind(ctx context.Context, before *domain.Envelope) error {
	at := r.cursor.Resume
	if at.IsZero() || before != nil && samePlace(at, before.Resume) {
		return nil
	}
	return r.giveWay(ctx)
}

// errPaused stops a run whose source was paused, or lost its credential. Its job
// stays open.
var errPaused = errors.New("source is paused or its credential has expired")

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
	if src.Waits() {
		return errPaused
	}
	return nil
}
