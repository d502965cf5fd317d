package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/confuse/data-connector/domain"
)

// How often the due sources and the queue are looked at when nothing was heard,
// and how often whether the queue has lost its memory.
const (
	everyMinute = time.Minute
	everyBreath = 5 * time.Second
)

// A Scheduler turns due sources into jobs, and keeps the queue filled with the
// jobs that the log says are open. Several may run: requests that do not know of
// each other mean one job, and a source is in the queue once.
type Scheduler struct {
	Log     domain.Log
	Index   domain.Index
	Queue   domain.Queue
	Clock   domain.Clock
	Changed <-chan struct{} // gets a value when a source has changed
	// Connectors tell which providers have a feed: their sources get a full sync
	// every FullEvery, for what no feed tells. 0: none does.
	Connectors Connectors
	FullEvery  time.Duration
	Logger     *slog.Logger

	asked map[domain.SourceID]asked // since the rows showed that the source needs it
}

// asked is a job that was requested, or a version that was decided, and that may not
// be folded yet.
type asked struct {
	job     domain.JobID
	version int64
	at      time.Time
}

// Run works until ctx ends. What goes wrong is logged and tried again.
func (s *Scheduler) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		epoch, err := s.Queue.Epoch(ctx)
		if err = errors.Join(err, s.Once(ctx)); err != nil && ctx.Err() == nil {
			s.Logger.ErrorContext(ctx, "scheduling", "err", err)
		}
		s.wait(ctx, epoch)
	}
	return nil
}

// wait returns when there is a reason to look: something has changed, a minute has
// passed, or the queue is another one than it was.
func (s *Scheduler) wait(ctx context.Context, epoch string) {
	minute := s.Clock.After(everyMinute)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.Changed:
			return
		case <-minute:
			return
		case <-s.Clock.After(everyBreath):
			if now, err := s.Queue.Epoch(ctx); err == nil && now != epoch {
				return
			}
		}
	}
}

// Once looks at every source once: it asks for the jobs that are due and gives
// the queue what it lacks, so that a flushed Redis delays jobs and loses none.
func (s *Scheduler) Once(ctx context.Context) error {
	if _, err := s.Queue.Reap(ctx); err != nil {
		return err
	}
	held, err := s.Queue.Held(ctx)
	if err != nil {
		return err
	}
	var tickets []domain.Ticket
	var errs []error
	before := s.asked
	s.asked = map[domain.SourceID]asked{}
	for src, err := range s.Index.Candidates(ctx) {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if e, ok := src.Reopen(s.Clock.Now()); ok { // of several that decide so the fold takes the first
			_, err := s.ask(ctx, src, e, before[src.ID])
			errs = append(errs, err)
			continue
		}
		if e, due := s.due(src); due {
			news, err := s.ask(ctx, src, e, before[src.ID])
			if errs = append(errs, err); news { // whoever takes the ticket waits until the job is folded
				tickets = append(tickets, domain.Ticket{Source: src.ID, Job: e.JobID, Provider: src.Provider, Owner: src.Owner})
			}
		}
		if len(src.Jobs) == 0 || src.Waits() || held[src.ID] == src.Jobs[0].ID && !hurried(src.Jobs[0]) {
			continue
		}
		tickets = append(tickets, domain.Ticket{
			Source: src.ID, Job: src.Jobs[0].ID, Provider: src.Provider, Owner: src.Owner, NotBefore: s.notBefore(src.Jobs[0]),
		})
	}
	if len(tickets) > 0 {
		errs = append(errs, s.Queue.Enqueue(ctx, tickets...))
	}
	return errors.Join(errs...)
}

// due decides whether src needs a job, and which.
func (s *Scheduler) due(src domain.Source) (domain.SourceChanged, bool) {
	now, slot := s.Clock.Now(), slotOf(src)
	e, due := src.Due(now, slot)
	if due && e.Trigger != domain.TriggerSchedule { // what waits for nobody is not made slower
		return e, true
	}
	if conn, ok := s.Connectors.Find(string(src.Provider)); ok && s.FullEvery > 0 {
		if _, feed := conn.(domain.Feed); feed {
			if full, ok := src.FullDue(now, slot, s.FullEvery); ok {
				return full, true
			}
		}
	}
	return e, due
}

// notBefore is when the next attempt of j may begin, by the clock of s; zero: now.
func (s *Scheduler) notBefore(j domain.Job) time.Time {
	now := s.Clock.Now()
	if left, foreign := j.Wait(now); foreign {
		return now.Add(left)
	}
	return j.RetryAt
}

// hurried reports whether a job that waited for its next attempt may go on at
// once: its ticket may still have the old time.
func hurried(j domain.Job) bool { return !j.Claimed && j.Failure != nil && j.RetryAt.IsZero() }

// ask appends e about src, unless it did a moment before and the rows are only behind:
// while they are, every change of another source is a reason to look again.
func (s *Scheduler) ask(ctx context.Context, src domain.Source, e domain.SourceChanged, before asked) (news bool, err error) {
	if before.job == e.JobID && before.version == e.Version && e.At.Before(before.at.Add(everyBreath)) {
		s.asked[src.ID] = before
		return false, nil
	}
	if err := s.request(ctx, src, e); err != nil {
		return false, err
	}
	s.asked[src.ID] = asked{e.JobID, e.Version, e.At}
	return true, nil
}

func (s *Scheduler) request(ctx context.Context, src domain.Source, e domain.SourceChanged) error {
	id, err := domain.NewEventID()
	if err != nil {
		return err
	}
	if _, err := s.Log.Append(ctx, domain.Message{ID: id, Time: e.At, Partition: src.Partition, Event: e}); err != nil {
		return fmt.Errorf("append %s of %s: %w", e.Change, src.ID, err)
	}
	return nil
}
