package domain

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// Options that say nothing of what a source holds.
const (
	OptionURI      = "uri"          // where people find it
	OptionSchedule = "syncSchedule" // when it is synced
	OptionWatch    = "watch"        // whether notices are listened to
)

// ScopeOf is the fingerprint of what a source asks for: another one means another
// listing. When it is looked at, and where people find it, is no part of that.
func ScopeOf(config json.RawMessage) Digest {
	var options map[string]json.RawMessage
	if json.Unmarshal(config, &options) != nil {
		return sha256.Sum256(config)
	}
	all := len(options)
	for _, name := range []string{OptionURI, OptionSchedule, OptionWatch} {
		delete(options, name)
	}
	if len(options) == all { // as it is, so that the cursors of old logs keep counting
		return sha256.Sum256(config)
	}
	rest, err := json.Marshal(options) // sorted, as configs are
	if err != nil {
		return sha256.Sum256(config)
	}
	return sha256.Sum256(rest)
}

// Pause decides that no run may begin until s is resumed. A run that works stops
// behind its page; its job stays open. Pausing a paused source changes nothing.
func (s Source) Pause(at time.Time) (SourceChanged, error) { return s.versionedEvent(SourcePaused, at) }

// Resume ends a pause.
func (s Source) Resume(at time.Time) (SourceChanged, error) {
	return s.versionedEvent(SourceResumed, at)
}

// Update decides on another name and another config, both whole. A changed scope
// ([ScopeOf]) makes s due: what it leaves out now is removed by the next sync.
func (s Source) Update(name string, config json.RawMessage, at time.Time) (SourceChanged, error) {
	e, err := s.versionedEvent(SourceUpdated, at)
	e.Name, e.Config = name, config
	return e, err
}

// versionedEvent is an event that only its version guards: of two decided at the
// same time the fold takes the first.
func (s Source) versionedEvent(change SourceChange, at time.Time) (SourceChanged, error) {
	if err := s.live(); err != nil {
		return SourceChanged{}, err
	}
	e := s.event(change, at)
	e.Version = s.Version + 1
	return e, nil
}

// Cancel decides that an open job ends, and its run with it. ErrConflict: the job
// is not open.
func (s Source) Cancel(job JobID, at time.Time) (SourceChanged, error) {
	if err := s.live(); err != nil {
		return SourceChanged{}, err
	}
	if _, open := s.OpenJob(job); !open {
		return SourceChanged{}, fmt.Errorf("job %s has ended: %w", job, ErrConflict)
	}
	e := s.event(SourceSyncCancelled, at)
	e.JobID = job
	return e, nil
}

// Release decides that the deletes which the valve holds may pass (I8). They are
// not the ones that were counted: a full listing computes them again. ErrConflict:
// none are held.
func (s Source) Release(at time.Time) (SourceChanged, error) {
	if err := s.live(); err != nil {
		return SourceChanged{}, err
	}
	if s.Held == nil {
		return SourceChanged{}, fmt.Errorf("source %s holds no deletes: %w", s.ID, ErrConflict)
	}
	e := s.event(SourceDeletesReleased, at)
	e.JobID, e.Trigger, e.Held = s.openJob(), TriggerRelease, &Held{Epoch: s.Held.Epoch}
	return e, nil
}
