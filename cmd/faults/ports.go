package faults

import (
	"context"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// Pages is l, to which runs append, with the points of a run.
func (p *Plan) Pages(l domain.Log) domain.Log { return &pages{Log: l, plan: p} }

type pages struct {
	domain.Log
	plan *Plan
}

// Append implements domain.Log. The page that is to be hurt goes in two halves.
// What comes behind a point cannot be called back any more: to a run that was
// stopped there it is as if the request were on its way already.
func (l *pages) Append(ctx context.Context, messages ...domain.Message) ([]domain.Position, error) {
	ctx = context.WithoutCancel(ctx)
	switch e := messages[0].Event.(type) {
	case domain.FileChanged:
		return l.page(ctx, messages)
	case domain.SourceChanged:
		if e.Change == domain.SourceSyncStarted {
			return around(ctx, l.plan, BeforeClaim, AfterClaim, l.Log, messages)
		}
		if e.Change == domain.SourceSyncProgressed {
			if err := l.plan.At(BeforeProgress); err != nil {
				return nil, err
			}
		}
	}
	return l.Log.Append(ctx, messages...)
}

// page goes in one piece unless it is the one that is to be hurt.
func (l *pages) page(ctx context.Context, messages []domain.Message) ([]domain.Position, error) {
	half := len(messages) / 2
	if !l.plan.next(MidPage) || half == 0 {
		if err := l.plan.At(MidPage); err != nil {
			return nil, err
		}
		return l.Log.Append(ctx, messages...)
	}
	first, err := l.Log.Append(ctx, messages[:half]...)
	if err != nil {
		return nil, err
	}
	if err := l.plan.At(MidPage); err != nil {
		return nil, err
	}
	rest, err := l.Log.Append(ctx, messages[half:]...)
	return append(first, rest...), err
}

// next tells whether something happens when point is passed the next time.
func (p *Plan) next(point Point) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		if r.hits(point, p.seen[point]+1) {
			return true
		}
	}
	return false
}

// Hints is l, to which deliveries go.
func (p *Plan) Hints(l domain.Log) domain.Log { return &hints{Log: l, plan: p} }

type hints struct {
	domain.Log
	plan *Plan
}

// Append implements domain.Log.
func (l *hints) Append(ctx context.Context, messages ...domain.Message) ([]domain.Position, error) {
	if err := l.plan.At(BeforeHint); err != nil {
		return nil, err
	}
	return l.Log.Append(ctx, messages...)
}

// Inbox is b with the point behind a row.
func (p *Plan) Inbox(b ingest.Inbox) ingest.Inbox { return inbox{b, p} }

type inbox struct {
	ingest.Inbox
	plan *Plan
}

// Put implements ingest.Inbox.
func (b inbox) Put(ctx context.Context, messages ...domain.Message) error {
	if err := b.Inbox.Put(ctx, messages...); err != nil {
		return err
	}
	return b.plan.At(AfterInbox)
}

// Relay is l, to which the inbox is relayed.
func (p *Plan) Relay(l domain.Log) domain.Log { return &relay{Log: l, plan: p} }

type relay struct {
	domain.Log
	plan *Plan
}

// Append implements domain.Log.
func (l *relay) Append(ctx context.Context, messages ...domain.Message) ([]domain.Position, error) {
	return around(ctx, l.plan, BeforeRelay, AfterRelay, l.Log, messages)
}

func around(ctx context.Context, p *Plan, before, after Point, l domain.Log, messages []domain.Message) ([]domain.Position, error) {
	if err := p.At(before); err != nil {
		return nil, err
	}
	at, err := l.Append(ctx, messages...)
	if err == nil {
		err = p.At(after)
	}
	return at, err
}

// Packs is s with the points of a pack.
func (p *Plan) Packs(s domain.Packs) domain.Packs { return packs{s, p} }

type packs struct {
	domain.Packs
	plan *Plan
}

// Create implements domain.Packs.
func (s packs) Create(ctx context.Context, name string) (domain.PackWriter, error) {
	w, err := s.Packs.Create(ctx, name)
	return writer{w, s.plan}, err
}

type writer struct {
	domain.PackWriter
	plan *Plan
}

// Commit implements domain.PackWriter.
func (w writer) Commit(ctx context.Context) error {
	err := w.plan.At(BeforePack)
	if err == nil {
		err = w.PackWriter.Commit(ctx)
	}
	if err == nil {
		err = w.plan.At(AfterPack)
	}
	return err
}

// Named passes the point of that name.
func (p *Plan) Named(_ context.Context, name string) error { return p.At(Point(name)) }
