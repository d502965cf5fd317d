package ingest

import (
	"context"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

const (
	maxPage      = 1000     // changes that become durable together
	maxPageBytes = 64 << 20 // bytes of content; a bigger item is a page of its own
	maxFailures  = 20       // failed items named on one sync_progressed
)

// A page collects what becomes durable together.
type page struct {
	pack     domain.PackWriter
	events   []domain.Message
	bytes    int64 // of content kept
	last     domain.Revised
	failures []domain.ItemFailure
}

// opened is the page under way.
func (r *run) opened(ctx context.Context) (*page, error) {
	if r.page != nil {
		return r.page, nil
	}
	name := fmt.Sprintf("packs/%s/%d-%s/%d", r.src.ID, r.src.Run, r.src.RunID, r.packs)
	pack, err := r.Packs.Create(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("content pack: %w", err)
	}
	r.packs++
	r.page = &page{pack: pack}
	return r.page, nil
}

// emit adds one change to the page under way and to what is known.
func (r *run) emit(v *view, change domain.FileChange, id domain.FileID, prev domain.File, state domain.FileState) {
	now := r.Clock.Now()
	e := domain.FileChanged{
		SourceID: r.src.ID, OwnerID: r.src.Owner, FileID: id, JobID: r.job.ID,
		Run: r.src.Run, RunID: r.src.RunID, Seq: r.nextSeq(), Change: change, FileState: state,
	}
	if change == domain.FileRenamed {
		e.OldPath = prev.Path
	}
	r.page.last = e.Revised()
	r.page.events = append(r.page.events, domain.Message{
		ID: domain.NewFileEventID(e, prev.At), Time: now, Partition: r.src.Partition, Event: e,
	})
	r.account(change, prev, state)
	v.put(domain.File{
		ID: id, SourceID: r.src.ID, OwnerID: r.src.Owner, At: e.Revised(),
		Removed: change == domain.FileRemoved, FileState: state,
	})
}

func (r *run) account(change domain.FileChange, prev domain.File, state domain.FileState) {
	r.counts.Add(change)
	if !prev.Removed && prev.Content != nil {
		r.totals.Bytes -= prev.Content.Size
	}
	switch change {
	case domain.FileAdded:
		r.totals.Files++
	case domain.FileRemoved:
		r.totals.Files--
	default: // as many as before
	}
	if state.Content != nil {
		r.totals.Bytes += state.Content.Size
	}
}

func (r *run) fail(f domain.ItemFailure) {
	f.Path, f.Reason = domain.Clean(f.Path), shortText(f.Reason)
	r.counts.Failed++
	r.unread = r.unread || f.Code == codeChanging || f.Code == codeUnreadable
	if len(r.page.failures) < maxFailures {
		r.page.failures = append(r.page.failures, f)
	}
}

// flush makes the page under way durable and lets cursor count behind it: pack
// (I1), files, all acknowledged, then sync_progressed (I2). The last one is not
// waited for: the files of the next page may follow it at once, its own
// sync_progressed may not. A page without news moves nothing; one that does
// nothing but move the cursor is waited for, so that a connector can make durable
// where it goes before it tells what is there.
func (r *run) flush(ctx context.Context, cursor *domain.Envelope) error {
	p := r.page
	if cursor != nil && r.unread {
		at := *cursor
		cursor, at.Unread = &at, true
	}
	moved := cursor != nil && !sameCursor(cursor, r.cursor)
	if p == nil && !moved {
		return nil
	}
	p, err := r.opened(ctx)
	if err != nil {
		return err
	}
	r.page = nil
	if err := p.pack.Commit(ctx); err != nil { // I1: bytes before event
		return fmt.Errorf("content pack: %w", err)
	}
	if err := r.appendFiles(ctx, p); err != nil {
		return err
	}
	if r.Observe != nil {
		r.Observe(Committed{Provider: r.src.Provider, Events: len(p.events), Bytes: p.bytes, Unreadable: len(p.failures)})
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	if len(p.events) == 0 && len(p.failures) == 0 && !moved {
		return nil
	}
	if cursor == nil {
		cursor = r.cursor
	}
	r.cursor = cursor
	r.progressBy(ctx, p)
	if len(p.events) == 0 {
		if err := r.settle(ctx); err != nil {
			return err
		}
	}
	return r.holdsClaim(ctx)
}

func (r *run) appendFiles(ctx context.Context, p *page) error {
	if len(p.events) == 0 {
		return nil
	}
	at, err := r.Log.Append(ctx, p.events...)
	if err != nil {
		return fmt.Errorf("append page: %w", err)
	}
	return r.known.acked(ctx, at[len(at)-1], p.last)
}

// progressBy appends the sync_progressed of p in the background.
func (r *run) progressBy(ctx context.Context, p *page) {
	e := r.src.InRun(domain.SourceSyncProgressed, r.Clock.Now())
	counts, totals := r.counts, r.totals
	e.Seq, e.Cursor, e.Counts, e.Totals, e.Failures = r.nextSeq(), r.cursor, &counts, &totals, p.failures
	r.progress = make(chan error, 1)
	go func() {
		_, err := r.append(ctx, r.src, e)
		r.progress <- err
	}()
}

// settle waits for the sync_progressed under way.
func (r *run) settle(ctx context.Context) error {
	if r.progress == nil {
		return nil
	}
	select {
	case err := <-r.progress:
		r.progress = nil
		r.progressed = r.progressed || err == nil
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func sameCursor(a, b *domain.Envelope) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Phase == b.Phase && a.Epoch == b.Epoch && a.Scope == b.Scope && a.Unread == b.Unread && samePlace(a.Start, b.Start) && samePlace(a.Resume, b.Resume)
}

func samePlace(a, b domain.Cursor) bool {
	return a.V == b.V && a.Kind == b.Kind && string(a.Opaque) == string(b.Opaque)
}
