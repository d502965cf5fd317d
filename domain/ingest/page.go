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
		return nil, inStore(err)
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

// flush lets the page under way become durable in the background, and cursor count
// behind it: pack (I1), files, all acknowledged, then sync_progressed (I2). It waits
// for the page before, so that there is never more than one on its way; settle waits
// for this one, too. A page without news moves nothing; one that does nothing but
// move the cursor is waited for, so that a connector can make durable where it goes
// before it tells what is there.
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
	if err := r.settle(ctx); err != nil {
		return err
	}
	r.page = nil
	if cursor == nil {
		cursor = r.cursor
	}
	var progress *domain.SourceChanged
	if len(p.events) > 0 || len(p.failures) > 0 || moved {
		r.cursor = cursor
		progress = r.progressBehind(p)
	}
	files, sent := r.known.cut(), make(chan sending, 1)
	r.sending = sent
	go func() { sent <- r.send(ctx, p, files, progress) }()
	if len(p.events) == 0 {
		return r.settle(ctx)
	}
	return nil
}

// progressBehind is the sync_progressed of p. Its seq follows those of the page and
// comes before those of the next one.
func (r *run) progressBehind(p *page) *domain.SourceChanged {
	e := r.src.InRun(domain.SourceSyncProgressed, r.Clock.Now())
	counts, totals := r.counts, r.totals
	e.Seq, e.Cursor, e.Counts, e.Totals, e.Failures = r.nextSeq(), r.cursor, &counts, &totals, p.failures
	return &e
}

// A sending is what became of a page.
type sending struct {
	files      overlayPage // what is on the log of it
	progressed bool        // its sync_progressed is acknowledged
	err        error
}

// send makes p durable. It uses nothing of r that changes meanwhile.
func (r *run) send(ctx context.Context, p *page, files []domain.FileID, progress *domain.SourceChanged) sending {
	if err := p.pack.Commit(ctx); err != nil { // I1: bytes before event
		return sending{err: inStore(err)}
	}
	at, err := r.appendFiles(ctx, p)
	if err != nil {
		return sending{err: err}
	}
	sent := sending{files: overlayPage{at: at, files: files, last: p.last}}
	if r.Observe != nil {
		r.Observe(Committed{Provider: r.src.Provider, Events: len(p.events), Bytes: p.bytes, Unreadable: len(p.failures)})
	}
	if progress == nil {
		return sent
	}
	if _, sent.err = r.append(ctx, r.src, *progress); sent.err != nil {
		return sent
	}
	sent.progressed, sent.err = true, r.holdsClaim(ctx)
	return sent
}

// appendFiles gives where the last event of p stands.
func (r *run) appendFiles(ctx context.Context, p *page) (domain.Position, error) {
	if len(p.events) == 0 {
		return domain.Position{}, nil
	}
	at, err := r.Log.Append(ctx, p.events...)
	if err != nil {
		return domain.Position{}, fmt.Errorf("append page: %w", err)
	}
	return at[len(at)-1], nil
}

// settle waits for the page on its way. When ctx ends that gives up soon.
func (r *run) settle(ctx context.Context) error {
	if r.sending == nil {
		return nil
	}
	sent := <-r.sending
	r.sending = nil
	r.progressed = r.progressed || sent.progressed
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case sent.err != nil || len(sent.files.files) == 0:
		return sent.err
	}
	return r.known.acked(ctx, sent.files)
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
