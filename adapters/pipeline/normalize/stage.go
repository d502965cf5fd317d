package normalize

import (
	"context"
	"errors"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// Name is the name of the stage.
const Name = "normalize"

// A Stage is pipeline.Stage that makes text and keeps none: it reports of which
// files there is text, and fills the cache for the stages beside it.
type Stage struct{ texts *Normalizer }

var _ pipeline.Stage = (*Stage)(nil)

// NewStage makes the stage.
func NewStage(texts *Normalizer) *Stage { return &Stage{texts} }

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return Name }

// Limits implements pipeline.Stage.
func (s *Stage) Limits() pipeline.Limits { return pipeline.Limits{Items: 1} }

// Handle implements pipeline.Stage.
func (s *Stage) Handle(ctx context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	outcomes := make([]pipeline.Outcome, len(batch))
	for n, h := range batch {
		if h.File.Change == domain.FileRemoved {
			outcomes[n] = pipeline.Skipped(pipeline.ReasonNoWay)
			continue
		}
		_, err := s.texts.Text(ctx, h)
		if outcome, over := Told(err); over {
			outcomes[n] = outcome
			continue
		}
		if err != nil {
			return nil, err
		}
		outcomes[n] = pipeline.Done(1)
	}
	return outcomes, nil
}

// Told turns an error of Normalizer.Text into the fate of the item; false: it is
// passing trouble, or none.
func Told(err error) (pipeline.Outcome, bool) {
	switch {
	case errors.Is(err, domain.ErrNoContent):
		return pipeline.Skipped(pipeline.ReasonNoContent), true
	case errors.Is(err, domain.ErrContentLost):
		return pipeline.Skipped(pipeline.ReasonContentGone), true
	case errors.Is(err, ErrBinary):
		return pipeline.Skipped(pipeline.ReasonBinary), true
	case pipeline.IsFinal(err):
		return pipeline.Failed(err), true
	}
	return pipeline.Outcome{}, false
}
