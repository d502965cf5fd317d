package domain_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/confuse/data-connector/domain"
)

// next is the next event of x's run.
func (x *worker) next(change domain.SourceChange) domain.SourceChanged {
	x.seq++
	return inRun(change, x.claim.JobID, x.claim.Run, x.claim.RunID, x.seq)
}

func (x *worker) file(change domain.FileChange, path string, bytes byte) domain.FileChanged {
	x.seq++
	return domain.FileChanged{
		SourceID: source, OwnerID: owner, FileID: domain.NewPathFileID(source, []byte(path), 0),
		JobID: x.claim.JobID, Run: x.claim.Run, RunID: x.claim.RunID, Seq: x.seq, Change: change,
		FileState: domain.FileState{Path: path, Kind: domain.KindFile, Content: content(bytes)},
	}
}

// edit changes what the provider holds.
func (w *world) edit() {
	path := fmt.Sprint("f", w.draw("path", 0, 5))
	if bytes := w.draw("bytes", 0, 3); bytes > 0 {
		w.truth[path] = byte(bytes)
	} else {
		delete(w.truth, path)
	}
}

// wanted is what the files should be: what the provider holds, or nothing when
// the source is being removed.
func (w *world) wanted() map[string]byte {
	if w.source.Removing {
		return nil
	}
	return w.truth
}

// emit appends at most n of the differences that x, who runs, finds.
func (w *world) emit(x *worker, n int) {
	if x == nil {
		return
	}
	live, want := w.live(), w.wanted()
	for _, path := range slices.Sorted(maps.Keys(want)) {
		had, known := live[path]
		switch {
		case n == 0:
			return
		case !known:
			w.append(x.file(domain.FileAdded, path, want[path]))
		case had != want[path]:
			w.append(x.file(domain.FileModified, path, want[path]))
		default:
			continue
		}
		n--
	}
	for _, path := range slices.Sorted(maps.Keys(live)) {
		if _, there := want[path]; !there && n > 0 {
			w.append(x.file(domain.FileRemoved, path, live[path]))
			n--
		}
	}
}

func (w *world) page() {
	if x := w.current(); x != nil {
		w.emit(x, w.draw("files", 0, 3))
		w.append(w.progress(x))
	}
}

func (w *world) progress(x *worker) domain.SourceChanged {
	e := x.next(domain.SourceSyncProgressed)
	e.Cursor = &domain.Envelope{Phase: domain.PhaseListing, Epoch: x.claim.Run, Resume: domain.Cursor{V: 1, Kind: fmt.Sprint(x.seq)}}
	e.Counts, e.Totals = &domain.Counts{Added: x.seq}, &domain.Totals{Files: x.seq}
	if w.draw("failures", 0, 3) == 0 {
		e.Failures = []domain.ItemFailure{{Path: "secret", Code: "unreadable", Reason: "permission denied"}}
	}
	return e
}

// zombie goes on writing for a worker that is no longer, or never was, current.
func (w *world) zombie() {
	if len(w.workers) == 0 {
		return
	}
	x := rapid.SampledFrom(w.workers).Draw(w.T, "zombie")
	if w.source.Counts(x.claim.RunID) {
		return
	}
	for range w.draw("events", 1, 3) {
		w.append(w.junk(x))
	}
}

// junk is some event of x's run, plausible but for the run.
func (w *world) junk(x *worker) domain.Event {
	switch w.draw("junk", 0, 6) {
	case 0:
		return x.file(domain.FileRemoved, fmt.Sprint("f", w.draw("path", 0, 5)), 9)
	case 1:
		return x.file(domain.FileAdded, fmt.Sprint("f", w.draw("path", 0, 7)), 9)
	case 2:
		return x.next(domain.SourceSyncCompleted)
	case 3:
		return x.failure(later)
	case 4:
		return x.hold(w.source.Run)
	case 5:
		return x.next(domain.SourceRemoved)
	default:
		return w.progress(x)
	}
}

func (x *worker) failure(retry time.Time) domain.SourceChanged {
	e := x.next(domain.SourceSyncFailed)
	e.Code, e.Attempt, e.RetryAt = domain.CodeTransient, x.claim.Attempt, retry
	return e
}

func (x *worker) hold(epoch int64) domain.SourceChanged {
	e := x.next(domain.SourceDeletesHeld)
	e.Held = &domain.Held{Epoch: epoch, Count: 600}
	return e
}

// complete ends the current run as a full one: all differences, then the end.
func (w *world) complete() {
	x := w.current()
	if x == nil {
		return
	}
	w.emit(x, len(w.truth)+len(w.files))
	w.ended++
	want := maps.Clone(w.wanted())
	if w.source.Removing {
		w.append(x.next(domain.SourceRemoved))
	} else {
		w.append(x.next(domain.SourceSyncCompleted))
	}
	if live := w.live(); !maps.Equal(live, want) {
		w.Fatalf("after a completed run: got files %v, want %v", live, want)
	}
}

func (w *world) fail() {
	if x := w.current(); x != nil {
		w.append(x.failure(rapid.SampledFrom([]time.Time{{}, w.now().Add(time.Hour)}).Draw(w.T, "retry")))
	}
}

func (w *world) hold() {
	if x := w.current(); x != nil {
		w.append(x.hold(w.source.Run))
	}
}

func (w *world) release() {
	e, err := w.source.RequestSync(domain.SyncFull, domain.TriggerRelease, w.now())
	if err != nil || w.source.Held == nil {
		return
	}
	e.Change, e.Mode, e.Held = domain.SourceDeletesReleased, "", &domain.Held{Epoch: w.source.Held.Epoch}
	w.append(e)
}

func (w *world) cancel() {
	if len(w.source.Jobs) > 0 {
		w.append(cancelled(rapid.SampledFrom(w.source.Jobs).Draw(w.T, "job").ID))
	}
}

func (w *world) version() {
	change := rapid.SampledFrom([]domain.SourceChange{
		domain.SourceUpdated, domain.SourcePaused, domain.SourceResumed, domain.SourceResumed, domain.SourceHookRegistered,
		domain.SourceHookRemoved, domain.SourceCredentialAttached, domain.SourceCredentialExpired,
	}).Draw(w.T, "change")
	e := versioned(change, w.source.Version+1)
	e.Name = fmt.Sprint("name ", e.Version)
	w.append(e)
}

// remove is rare: little happens behind it.
func (w *world) remove() {
	if w.draw("really", 0, 3) == 3 {
		w.decided(w.source.RequestRemoval(w.now()))
	}
}
