package ingest

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// Events reads the log.
type Events interface {
	// Read gives the records of a partition from one offset up to another, exclusive.
	Read(ctx context.Context, partition int32, from, to int64) iter.Seq2[domain.Record, error]
}

// collect deletes the packs that the run before this one has left and no event
// names: it died between a pack and its events. That run is over, for claim is
// folded: what it may still append does not count. A pack that an event names
// stays, whatever became of its files since.
func (e *Engine) collect(ctx context.Context, before domain.Source, claim domain.Position) error {
	unfinished := before.Running || len(before.Jobs) > 0 && before.Jobs[0].Run == before.Run
	if e.Events == nil || before.Run == 0 || !unfinished {
		return nil
	}
	packs, err := e.packsOf(ctx, before)
	if err != nil || len(packs) == 0 {
		return err
	}
	named, err := e.namedBy(ctx, before, claim)
	if err != nil {
		return err
	}
	for _, pack := range packs {
		if named[pack] {
			continue
		}
		if err := e.Packs.Delete(ctx, pack); err != nil {
			return err
		}
	}
	return nil
}

// packsOf are the packs of the last run of src.
func (e *Engine) packsOf(ctx context.Context, src domain.Source) ([]string, error) {
	prefix := fmt.Sprintf("packs/%s/%d-%s/", src.ID, src.Run, src.RunID)
	var packs []string
	for info, err := range e.Packs.List(ctx, src.ID) {
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(info.Name, prefix) {
			packs = append(packs, info.Name)
		}
	}
	return packs, nil
}

// namedBy are the packs that events of the last run of src name.
func (e *Engine) namedBy(ctx context.Context, src domain.Source, claim domain.Position) (map[string]bool, error) {
	named := map[string]bool{}
	for rec, err := range e.Events.Read(ctx, claim.Partition, src.BehindClaim-1, claim.Offset) {
		if err != nil {
			return nil, err
		}
		if rec.Err != nil { // it may name one
			return nil, fmt.Errorf("collect packs: offset %d: %w", rec.Position.Offset, rec.Err)
		}
		if f, ok := rec.Event.(domain.FileChanged); ok && f.RunID == src.RunID && f.Content != nil {
			named[f.Content.Ref.Pack] = true
		}
	}
	return named, nil
}
