package ingest

import (
	"context"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

// relist compares a whole listing with what is known and emits the difference.
// Nothing is emitted and no cursor moves before the listing is complete.
func (r *run) relist(ctx context.Context, feed domain.Feed) error {
	env := domain.Envelope{Phase: domain.PhaseFollowing, Epoch: 1, Scope: r.print}
	if r.cursor != nil {
		env.Epoch = r.cursor.Epoch + 1
	}
	if feed != nil {
		var err error
		if env.Start, err = feed.StartCursor(ctx, r.scope); err != nil {
			return err
		}
		env.Resume = env.Start
	}
	r.counts.Listed, r.counts.Excluded, r.counts.Failed = 0, 0, 0 // it starts over
	r.unread = false
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.known.level(ctx); err != nil {
		return err
	}
	d, err := r.difference(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	before := r.filesBefore()
	if err := r.emitSpooled(ctx, d); err != nil {
		return err
	}
	if err := r.removeVanished(ctx, d.gone, before, env.Epoch); err != nil {
		return err
	}
	if err := r.flush(ctx, &env); err != nil { // I9: the cursor moves with the last page
		return err
	}
	if feed == nil {
		return nil
	}
	return r.follow(ctx, feed)
}

// emitSpooled turns new and changed items into events. They come before the
// removals, for a new file may be a vanished one.
func (r *run) emitSpooled(ctx context.Context, d *difference) error {
	failures := d.failures
	chunk := make([]domain.Change, 0, maxPage)
	for item, err := range d.items.all() {
		if err != nil {
			return err
		}
		if chunk = append(chunk, domain.Change{Item: item}); len(chunk) < maxPage {
			continue
		}
		if err := r.resolve(ctx, chunk, failures, d.gone, nil); err != nil {
			return err
		}
		chunk, failures = chunk[:0], nil
	}
	return r.resolve(ctx, chunk, failures, d.gone, nil)
}

// filesBefore is what the source held when the job began: what an earlier run of
// it has added must not open the valve.
func (r *run) filesBefore() int64 {
	before := r.src.Totals.Files - r.job.Counts.Added + r.job.Counts.Removed
	if before <= 0 { // no page of the source was ever counted
		return r.totals.Files
	}
	return before
}

// The valve (I8): deletes inferred from absence are held when they are more than
// valveMinimum files and more than half of the source. What is held stays held:
// files that were added since do not open the valve.
const (
	valveMinimum = 20
	heldSample   = 10
)

func (r *run) removeVanished(ctx context.Context, gone *vanished, before, epoch int64) error {
	inferred := int64(gone.inferred())
	hold := !r.job.Release && inferred > valveMinimum && (r.src.Held != nil || 2*inferred > before)
	held := domain.Held{Epoch: epoch, Count: inferred}
	v := r.known.view(0)
	for l, err := range gone.left() {
		if err != nil {
			return err
		}
		if hold && !l.Explicit {
			if len(held.Sample) < heldSample {
				held.Sample = append(held.Sample, l.File.Path)
			}
			continue
		}
		if err := r.removeFile(ctx, v, l.File); err != nil {
			return err
		}
	}
	if !hold {
		return nil
	}
	if err := r.flush(ctx, nil); err != nil {
		return err
	}
	return r.hold(ctx, held)
}

// removeFile emits one removal, in pages.
func (r *run) removeFile(ctx context.Context, v *view, f domain.File) error {
	p, err := r.opened(ctx)
	if err != nil {
		return err
	}
	r.emit(v, domain.FileRemoved, f.ID, f, tombstone(f))
	if len(p.events) < maxPage {
		return nil
	}
	v.byID, v.byPath = map[domain.FileID]domain.File{}, map[string]domain.FileID{} // not needed again
	return r.flush(ctx, nil)
}

// hold says on the log that the valve holds deletes. Someone has to release them;
// they are computed again then.
func (r *run) hold(ctx context.Context, held domain.Held) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	r.counts.Held = held.Count
	e := r.src.InRun(domain.SourceDeletesHeld, r.Clock.Now())
	e.Seq, e.Held = r.nextSeq(), &held
	if _, err := r.append(ctx, r.src, e); err != nil {
		return fmt.Errorf("hold %d deletes: %w", held.Count, err)
	}
	return nil
}
