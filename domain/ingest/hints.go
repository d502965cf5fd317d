package ingest

import (
	"context"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

// Hints puts hints on the log. It may be used concurrently.
type Hints struct {
	Log   domain.Log // for hints and commands
	Clock domain.Clock
}

// Hint says that something may have changed in src. When it returns nil the hint
// is durable (I5) and will lead to a sync that begins behind it, unless the source
// is paused or removed meanwhile.
func (h *Hints) Hint(ctx context.Context, src domain.Source, hint domain.Hint) error {
	e, err := src.Hinted(hint, h.Clock.Now())
	if err != nil {
		return err
	}
	return h.append(ctx, src, e)
}

// ContentLost says that content of a file of src is missing or damaged in the
// content store: the next sync, which begins at once, fetches it again. It says so
// once for many readers.
func (h *Hints) ContentLost(ctx context.Context, src domain.Source, file domain.FileID) error {
	e, news := src.ContentLost(file, h.Clock.Now())
	if !news {
		return nil
	}
	return h.append(ctx, src, e)
}

func (h *Hints) append(ctx context.Context, src domain.Source, e domain.SourceChanged) error {
	id, err := domain.NewEventID()
	if err != nil {
		return err
	}
	if _, err := h.Log.Append(ctx, domain.Message{ID: id, Time: e.At, Partition: src.Partition, Event: e}); err != nil {
		return fmt.Errorf("hint for source %s: %w", src.ID, err)
	}
	return nil
}
