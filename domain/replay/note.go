package replay

import (
	"context"

	"github.com/confuse/data-connector/domain"
)

// fileOf is the event of a record that was selected.
func fileOf(r domain.Record) domain.FileChanged {
	e, _ := r.Event.(domain.FileChanged)
	return e
}

// note counts what was handed out.
func (p *Progress) note(chunk []domain.Record) {
	for _, r := range chunk {
		e := fileOf(r)
		count := p.Sources[e.SourceID]
		count.Events++
		if e.Content != nil {
			count.Bytes += e.Content.Size
			p.Bytes += e.Content.Size
		}
		p.Sources[e.SourceID] = count
		p.Matched++
		if len(p.Samples) < Samples {
			p.Samples = append(p.Samples, Sample{e.SourceID, e.FileID, e.Path, e.Change, e.Revised()})
		}
	}
}

// countGone counts those of a chunk whose content was collected.
func (w *work) countGone(ctx context.Context, chunk []domain.Record) (n int64, err error) {
	for _, r := range chunk {
		e := fileOf(r)
		if e.Content == nil {
			continue
		}
		gone, err := w.isGone(ctx, e.Content.Ref.Pack)
		if err != nil {
			return 0, err
		}
		if gone {
			n++
		}
	}
	return n, nil
}

// maxPacks bounds what is remembered of packs.
const maxPacks = 100_000

func (w *work) isGone(ctx context.Context, pack string) (bool, error) {
	if gone, ok := w.gone[pack]; ok {
		return gone, nil
	}
	there, err := w.Packs.Has(ctx, pack)
	if err != nil {
		return false, err
	}
	if len(w.gone) >= maxPacks {
		clear(w.gone)
	}
	w.gone[pack] = !there
	return !there, nil
}
