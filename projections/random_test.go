package projections_test

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/confuse/data-connector/domain"
)

// A randomLog writes the stories of a few sources, mixed, with what can stand on
// a log besides: records that are damaged or of unknown types.
type randomLog struct {
	t                *rapid.T
	events, pipeline *memoryLog
	stories          []*story
	blanks           []int // offsets of records of an unknown type
}

func newRandomLog(t *rapid.T, damage bool) *randomLog {
	r := &randomLog{t: t, events: newLog(eventsTopic, 1), pipeline: newLog(pipelineTopic, 1)}
	r.stories = append(r.stories, newStory(t, r.events, "ann"))
	for range rapid.IntRange(5, 60).Draw(t, "steps") {
		r.step(damage)
	}
	return r
}

func (r *randomLog) draw(n int, label string) int { return rapid.IntRange(0, n-1).Draw(r.t, label) }

func (r *randomLog) step(damage bool) {
	s := r.stories[r.draw(len(r.stories), "source")]
	switch action := r.draw(24, "action"); {
	case action < 2 && len(r.stories) < 3:
		r.stories = append(r.stories, newStory(r.t, r.events, domain.OwnerID(fmt.Sprintf("owner%d", len(r.stories)))))
	case action < 4:
		r.blank(s)
	case action < 6:
		s.hint(fmt.Sprint(r.draw(5, "delivery")))
	case action < 7 && damage:
		r.damaged(s)
	case s.src.Removed:
		r.blank(s)
	case !s.src.Running && action < 16:
		r.begin(s)
	case s.src.Running && action < 18:
		r.work(s)
	case s.src.Running:
		r.end(s)
	default:
		r.settings(s)
	}
}

func (r *randomLog) blank(s *story) {
	r.blanks = append(r.blanks, len(r.events.records))
	r.events.addRecord(unknown(r.t, s.anyEvent()))
}

// anyEvent is any event that can be encoded.
func (s *story) anyEvent() domain.SourceChanged {
	e := s.event(domain.SourcePaused)
	e.Version = 1
	return e
}

func (r *randomLog) damaged(s *story) {
	if !s.src.Running {
		return
	}
	if r.draw(4, "damaged source") == 0 {
		r.events.addRecord(damaged(r.t, s.anyEvent()))
		return
	}
	r.events.addRecord(damaged(r.t, s.changed(domain.FileModified, "a", "x")))
}

func (r *randomLog) begin(s *story) {
	switch {
	case len(s.src.Jobs) > 0 && !s.src.Paused:
		s.claim()
	case s.src.Removing:
	default:
		s.request([]domain.SyncMode{domain.SyncFull, domain.SyncIncremental}[r.draw(2, "mode")])
	}
}

func (r *randomLog) work(s *story) {
	changes := []domain.FileChange{domain.FileAdded, domain.FileModified, domain.FileRenamed, domain.FileRemoved, domain.FileMetadata}
	for range r.draw(6, "files") {
		e := s.file(changes[r.draw(len(changes), "change")], string(rune('a'+r.draw(6, "path"))), fmt.Sprint(r.draw(9, "body")))
		if r.draw(3, "report") == 0 {
			r.pipeline.add(r.t, s.report(e, []string{"chunk", "embed"}[r.draw(2, "stage")], domain.StageDone))
		}
	}
	s.progress()
}

func (r *randomLog) end(s *story) {
	switch how := r.draw(4, "end"); {
	case how == 0:
		e := s.event(domain.SourceSyncFailed)
		e.Code, e.Message, e.Attempt = domain.CodeTransient, "no answer", 1
		if r.draw(2, "again") == 0 {
			e.RetryAt = noon.Add(1)
		}
		s.tell(e)
	case how == 1 && !s.src.Removing:
		e := s.event(domain.SourceSyncCancelled)
		e.JobID = s.src.Jobs[0].ID
		s.tell(e)
	case s.src.Removing:
		s.tell(s.event(domain.SourceRemoved))
	default:
		s.complete()
	}
}

func (r *randomLog) settings(s *story) {
	if s.src.Removing {
		return
	}
	changes := []domain.SourceChange{domain.SourceUpdated, domain.SourcePaused, domain.SourceResumed, domain.SourceResumed}
	n := r.draw(len(changes)+1, "setting")
	if n == len(changes) {
		s.requestRemoval()
		return
	}
	e := s.event(changes[n])
	e.Name = "renamed"
	s.tell(e)
}
