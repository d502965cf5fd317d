package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/confuse/data-connector/domain"
)

// foldWait is how long a command waits for its own event to be folded; what is
// not folded by then is answered as accepted.
const foldWait = 2 * time.Second

// A Service takes commands. Its fields are set once; it may be used concurrently.
type Service struct {
	Log          domain.Log // for hints and commands
	Index        domain.Index
	Folds        domain.Folds
	Clock        domain.Clock
	Connectors   Connectors
	Reservations domain.Reservations
	Idempotency  domain.Idempotency
	Credentials  domain.Credentials // nil: none can be given
	MaxLag       int64              // events that the rows may be behind before commands are refused; 0: no limit
	Logger       *slog.Logger
}

// Accepted is the answer to a command: its event is durable on the log (I5).
type Accepted struct {
	Source domain.Source   // as folded; when Folded is false the best that is known
	Job    domain.Job      // that the command opened or strengthened
	At     domain.Position // of the command's last event
	Folded bool            // false: not folded in time, the command may still turn out void
}

// put appends events of one source and waits for their fold. The answer's Source
// is the fold when Folded says so.
func (s *Service) put(ctx context.Context, partition int32, ids []domain.EventID, events ...domain.SourceChanged) (Accepted, error) {
	if err := s.keepsUp(ctx, partition); err != nil {
		return Accepted{}, err
	}
	messages := make([]domain.Message, len(events))
	for i, e := range events {
		messages[i] = domain.Message{ID: ids[i], Time: e.At, Partition: partition, Event: e}
	}
	at, err := s.Log.Append(ctx, messages...)
	if err != nil {
		return Accepted{}, fmt.Errorf("append %s: %w", events[0].Change, err)
	}
	a := Accepted{At: at[len(at)-1]}
	a.Folded, err = s.folded(ctx, a.At)
	if err != nil || !a.Folded {
		return a, err
	}
	a.Source, err = s.Index.Source(ctx, events[0].SourceID)
	return a, err
}

// keepsUp refuses commands when the rows are too far behind to decide by.
func (s *Service) keepsUp(ctx context.Context, partition int32) error {
	if s.MaxLag <= 0 {
		return nil
	}
	end, err := s.Log.End(ctx, partition)
	if err != nil {
		return err
	}
	position, err := s.Folds.Position(ctx, partition)
	if err != nil {
		return err
	}
	if lag := end - position; lag > s.MaxLag {
		return fmt.Errorf("partition %d is %d events behind: %w", partition, lag, domain.ErrUnavailable)
	}
	return nil
}

// folded waits for a fold as long as a command may.
func (s *Service) folded(ctx context.Context, p domain.Position) (bool, error) {
	wait, cancel := context.WithTimeout(ctx, foldWait)
	defer cancel()
	err := s.Folds.Wait(wait, p)
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() == nil && errors.Is(wait.Err(), context.DeadlineExceeded):
		return false, nil
	}
	return false, err
}

// owned is a source of owner that is neither unknown nor being removed (I10).
func (s *Service) owned(ctx context.Context, owner domain.OwnerID, anyOwner bool, id domain.SourceID) (domain.Source, error) {
	src, err := s.Index.Source(ctx, id)
	if err != nil {
		return src, err
	}
	if src.Owner != owner && !anyOwner || src.Removing || src.Removed {
		return domain.Source{}, fmt.Errorf("source %q: %w", id, domain.ErrSourceNotFound)
	}
	return src, nil
}

// idsFor are the ids of a command: new ones, or those kept under the caller's key
// by an earlier try (true).
func (s *Service) idsFor(ctx context.Context, owner domain.OwnerID, key string, request domain.Digest, ids domain.CommandIDs, events int) (domain.CommandIDs, bool, error) {
	for range events {
		id, err := domain.NewEventID()
		if err != nil {
			return ids, false, err
		}
		ids.Events = append(ids.Events, id)
	}
	if key == "" {
		return ids, false, nil
	}
	kept, err := s.Idempotency.Begin(ctx, owner, key, request, ids)
	if err != nil {
		return ids, false, err
	}
	if len(kept.Events) != events {
		return ids, false, &domain.InvalidError{Field: "Idempotency-Key", Problem: "was used for another request", Allowed: "a new key for each command"}
	}
	return kept, kept.Events[0] != ids.Events[0], nil
}
