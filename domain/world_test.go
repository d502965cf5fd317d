package domain_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/confuse/data-connector/domain"
)

// A state is what a reader knows of one source: its fold and its files.
type state struct {
	source domain.Source
	files  map[domain.FileID]domain.File
}

func newState() state { return state{files: map[domain.FileID]domain.File{}} }

// apply folds e as every reader does: the smallest correct reader there is.
func (s *state) apply(e domain.Event, offset int64) (counted bool) {
	switch e := e.(type) {
	case domain.SourceChanged:
		var effect domain.Effect
		s.source, effect = s.source.Apply(e, offset)
		if s.source.Removed {
			clear(s.files)
		}
		return effect.Counted
	case domain.FileChanged:
		if old, seen := s.files[e.FileID]; !s.source.Counts(e.RunID) || seen && !old.At.Before(e.Revised()) {
			return false
		}
		s.files[e.FileID] = domain.File{
			ID: e.FileID, SourceID: e.SourceID, OwnerID: e.OwnerID, At: e.Revised(),
			Removed: e.Change == domain.FileRemoved, FileState: e.FileState,
		}
	}
	return true
}

// live is the content of the live files by path.
func (s *state) live() map[string]byte {
	live := map[string]byte{}
	for _, f := range s.files {
		if !f.Removed {
			live[f.Path] = f.Content.SHA256[0]
		}
	}
	return live
}

// gap is how far apart events stand, so that noise fits between them.
const gap = 100

// An entry is one event of a generated log.
type entry struct {
	event domain.Event
	// firm: a duplicate means nothing. That holds for what counted, and for what
	// runs without a claim wrote; other events that were ignored, say a request
	// decided on an older state, are judged anew wherever a duplicate stands.
	firm bool
}

// A worker has appended a claim; it may be the current one, a loser or a zombie.
type worker struct {
	claim domain.SourceChanged
	seq   int64
}

// A world makes a plausible log of one source: commands and workers decide on
// the fold as it is, zombies and stale commands on how it was.
type world struct {
	*rapid.T
	state
	log     []entry
	workers []*worker
	truth   map[string]byte // what the provider holds
	older   domain.Source   // the fold some time ago
	ended   int             // runs that ended with sync_completed
}

func newWorld(t *rapid.T) *world {
	w := &world{T: t, state: newState(), truth: map[string]byte{}}
	w.append(registered())
	actions := w.actions()
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(actions)-1), 30, 80).Draw(t, "actions") {
		actions[i]()
	}
	return w
}

func (w *world) draw(what string, from, to int) int { return rapid.IntRange(from, to).Draw(w.T, what) }

func (w *world) append(e domain.Event) {
	before := w.source
	counted := w.apply(e, int64(len(w.log))*gap)
	w.log = append(w.log, entry{event: e, firm: counted || inVain(e, before)})
}

// inVain reports whether e, which was ignored, can never count: it is of a run
// that had no claim that counts, or a claim of a number that was passed.
func inVain(e domain.Event, s domain.Source) bool {
	source, ok := e.(domain.SourceChanged)
	if !ok {
		return true
	}
	return source.Change.InRun() && (source.Change != domain.SourceSyncStarted || source.Run <= s.Run)
}

// decided appends what a decision gave, unless it was refused.
func (w *world) decided(e domain.SourceChanged, err error) {
	if err == nil {
		w.append(e)
	}
}

// actions are what may happen next. The first ones are drawn most often.
func (w *world) actions() []func() {
	request := func() { w.decided(w.source.RequestSync(w.mode(), w.trigger(), w.now())) }
	lateRequest := func() { w.decided(w.older.RequestSync(w.mode(), w.trigger(), w.now())) }
	claim := func() { w.claims(w.source) }
	lateClaim := func() { w.claims(w.older) }
	halfPage := func() { w.emit(w.current(), w.draw("files", 0, 2)) }
	remember := func() { w.older = w.source }
	return []func(){
		request, claim, w.page, w.edit, w.fail, w.edit, w.page, request, claim, w.complete, halfPage, w.zombie,
		w.page, w.fail, remember, lateRequest, lateClaim, w.due, w.hint, w.hold, w.release, w.cancel, w.version, w.remove,
	}
}

func (w *world) now() time.Time { return noon.Add(time.Duration(len(w.log)) * time.Minute) }

func (w *world) mode() domain.SyncMode {
	return rapid.SampledFrom([]domain.SyncMode{domain.SyncIncremental, domain.SyncFull}).Draw(w.T, "mode")
}

func (w *world) trigger() domain.Trigger {
	return rapid.SampledFrom([]domain.Trigger{domain.TriggerManual, domain.TriggerSchedule}).Draw(w.T, "trigger")
}

func (w *world) hint() { w.append(hint()) }

func (w *world) due() {
	if e, ok := w.source.Due(w.now(), noon); ok {
		w.append(e)
	}
}

func runID(n int) domain.RunID {
	return domain.RunID{UUID: uuid.NewSHA1(source.UUID, fmt.Append(nil, "run", n))}
}

// claims appends the claims of one or two workers who saw the same state.
func (w *world) claims(s domain.Source) {
	for range w.draw("claims", 1, 2) {
		e, err := s.Claim(runID(len(w.workers)), w.now())
		if err != nil {
			return
		}
		w.workers = append(w.workers, &worker{claim: e})
		w.append(e)
	}
}

// current is the worker of the current run, nil when none runs.
func (w *world) current() *worker {
	for _, x := range w.workers {
		if w.source.Counts(x.claim.RunID) {
			return x
		}
	}
	return nil
}
