package forge

import (
	"context"
	"fmt"
	"slices"

	"github.com/confuse/data-connector/domain"
)

// A stage is one part of a listing.
type stage struct {
	name string
	list func(ctx context.Context, from listing, out *stager) error
}

func (r *Repository) stages() []stage {
	all := []stage{{"files", func(ctx context.Context, from listing, out *stager) error {
		return r.Files.Snapshot(ctx, r.Scope, from.At, gitSink{repo: r, out: out.git})
	}}}
	if r.Wiki != nil {
		all = append(all, stage{"wiki", r.listWiki})
	}
	for _, k := range r.Kinds {
		all = append(all, stage{k.Name(), func(ctx context.Context, from listing, out *stager) error {
			return k.All(ctx, from.After, func(items []domain.Item, after string) error {
				return out.page(ctx, changes(items), listing{After: after}, after == "")
			})
		}})
	}
	return all
}

// listWiki lists no pages where there is no wiki: that the repository itself can
// be seen is known by then.
func (r *Repository) listWiki(ctx context.Context, from listing, out *stager) error {
	if r.Wiki.Off {
		return out.page(ctx, domain.Page{}, listing{}, true)
	}
	err := r.Wiki.Snapshot(ctx, r.wikiScope(), from.At, gitSink{repo: r, prefix: WikiFolder, out: out.git})
	if r.Wiki.none(err) {
		return out.page(ctx, domain.Page{}, listing{}, true)
	}
	return err
}

// Snapshot implements domain.Connector: files, wiki, then each kind of items.
// ErrCursorReset: resume is of another repository, or of other parts.
func (r *Repository) Snapshot(ctx context.Context, resume domain.Cursor, sink domain.Sink) error {
	var from listing
	if !resume.IsZero() {
		if err := unseal(resume, cursorListing, &from); err != nil {
			return err
		}
	}
	stages := r.stages()
	at := max(0, slices.IndexFunc(stages, func(st stage) bool { return st.name == from.Stage }))
	if !resume.IsZero() && (stages[at].name != from.Stage || from.Repo != r.ID) {
		return fmt.Errorf("forge: cursor of stage %q: %w", from.Stage, domain.ErrCursorReset)
	}
	for ; at < len(stages); at++ {
		out := &stager{repo: r.ID, stage: stages[at].name, sink: sink}
		if at+1 < len(stages) {
			out.next = stages[at+1].name
		}
		if err := stages[at].list(ctx, from, out); err != nil {
			return err
		}
		if !out.ended { // a part that stops without its end has proven nothing (I8)
			return fmt.Errorf("forge: %s: listing ended early: %w", stages[at].name, domain.ErrPartial)
		}
		from = listing{}
	}
	return nil
}

// A stager hands on the pages of one stage.
type stager struct {
	repo        string
	stage, next string // next is empty for the last stage
	sink        domain.Sink
	ended       bool
}

// page hands on one page. The last one of a stage leads to the next stage, and
// that of the last stage is the end of all (I8).
func (o *stager) page(ctx context.Context, p domain.Page, at listing, last bool) error {
	at.Repo, at.Stage = o.repo, o.stage
	if last {
		at = listing{Repo: o.repo, Stage: o.next}
	}
	var err error
	if p.Complete = last && o.next == ""; !p.Complete {
		if p.Next, err = seal(cursorListing, at); err != nil {
			return err
		}
	}
	if err := o.sink.Page(ctx, p); err != nil {
		return err
	}
	o.ended = o.ended || last
	return nil
}

// git hands on a page of git.
func (o *stager) git(ctx context.Context, p domain.Page) error {
	at := listing{At: p.Next}
	p.Next = domain.Cursor{}
	return o.page(ctx, p, at, p.Complete)
}

// A gitSink puts the pages of a git repository below a folder of the source.
type gitSink struct {
	repo   *Repository
	prefix string
	out    func(ctx context.Context, p domain.Page) error
}

const codeReserved = "reserved_path"

// Page implements domain.Sink.
func (g gitSink) Page(ctx context.Context, p domain.Page) error {
	if g.prefix == "" {
		return g.out(ctx, g.repo.withoutReserved(p))
	}
	for i := range p.Changes {
		item := &p.Changes[i].Item
		item.Path = append([]byte(g.prefix), item.Path...)
		if item.MovedFrom != nil {
			item.MovedFrom = append([]byte(g.prefix), item.MovedFrom...)
		}
	}
	for i := range p.Failures {
		p.Failures[i].Path = g.prefix + p.Failures[i].Path
	}
	for i := range p.Unread {
		p.Unread[i] = append([]byte(g.prefix), p.Unread[i]...)
	}
	return g.out(ctx, p)
}

// withoutReserved takes out files that would collide with items.
func (r *Repository) withoutReserved(p domain.Page) domain.Page {
	p.Changes = slices.DeleteFunc(slices.Clone(p.Changes), func(c domain.Change) bool {
		if !r.reserved(c.Item.Path) {
			return false
		}
		if !c.Deleted {
			p.Failures = append(p.Failures, domain.ItemFailure{
				Path: domain.Clean(string(c.Item.Path)), Code: codeReserved, Reason: "the folder is kept for what is no file of the repository",
			})
		}
		return true
	})
	for i := range p.Changes {
		if r.reserved(p.Changes[i].Item.MovedFrom) {
			p.Changes[i].Item.MovedFrom = nil
		}
	}
	return p
}

// changes is a page of items; those without a version are gone.
func changes(items []domain.Item) domain.Page {
	p := domain.Page{Changes: make([]domain.Change, 0, len(items))}
	for _, i := range items {
		c := domain.Change{Item: i}
		if i.Version == "" {
			c = domain.Change{Item: domain.Item{Path: i.Path}, Deleted: true}
		}
		p.Changes = append(p.Changes, c)
	}
	return p
}
