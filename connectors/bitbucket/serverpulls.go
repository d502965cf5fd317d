package bitbucket

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// serverPulls are the pull requests of Data Center. Its lists are paged by place
// alone, and pull requests may be deleted: so each page begins with the last one
// of the page before, and a listing whose pages do not join starts over. A comment
// does not move the time of the last change, so the feed looks at all that are
// open, and at the newest of all.
type serverPulls struct{ *session }

// Name implements forge.Kind.
func (serverPulls) Name() string { return stagePulls }

// Folder implements forge.Kind.
func (serverPulls) Folder() string { return folderPulls }

// A part of the list, read at a place.
type serverPart struct {
	pulls []pull
	next  int // where the page behind it begins
	last  bool
}

// list asks for a page.
func (k serverPulls) list(ctx context.Context, state, order string, start int) (serverPart, error) {
	var p serverPage[serverPull]
	err := k.get(ctx, serverPath(k.session, "pull-requests"), url.Values{
		"state": {state}, "order": {order}, "start": {strconv.Itoa(start)}, "limit": {strconv.Itoa(k.page)},
	}, &p)
	if err == nil && (len(p.Values) != p.Size || !p.Last && p.Next <= start) {
		err = fmt.Errorf("bitbucket: a page of pull requests lacks some: %w", domain.ErrPartial)
	}
	part := serverPart{next: p.Next, last: p.Last}
	for _, v := range p.Values {
		part.pulls = append(part.pulls, v.pull())
	}
	return part, err
}

// whole is list for a page that must not be empty unless it is the last one: what
// it should have held cannot be seen (I8).
func (k serverPulls) whole(ctx context.Context, state, order string, start int) (serverPart, error) {
	for range forge.MaxReadings {
		p, err := k.list(k.call(ctx, "pulls"), state, order, start)
		if err != nil || len(p.pulls) > 0 || p.last {
			return p, err
		}
	}
	return serverPart{}, fmt.Errorf("bitbucket: a page of pull requests stays empty: %w", domain.ErrPartial)
}

// A place in the list: where the last one that was seen lay, and its number; 0:
// none was seen.
type spot struct {
	at int
	id int64
}

func (s spot) String() string { return fmt.Sprintf("%d:%d", s.at, s.id) }

func parseSpot(text string) (spot, error) {
	var s spot
	if text == "" {
		return s, nil
	}
	if _, err := fmt.Sscanf(text, "%d:%d", &s.at, &s.id); err != nil || s.at < 0 {
		return s, domain.ErrCursorReset
	}
	return s, nil
}

// All implements forge.Kind.
func (k serverPulls) All(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	from, err := parseSpot(after)
	if err != nil {
		return err
	}
	for restarts := 0; ; {
		p, err := k.whole(ctx, "ALL", "OLDEST", from.at)
		if err != nil {
			return err
		}
		if from.id != 0 { // it begins with the one that was seen last, or something moved
			if len(p.pulls) == 0 || p.pulls[0].id != from.id {
				if restarts++; restarts >= forge.MaxReadings {
					return fmt.Errorf("bitbucket: pull requests change while they are listed: %w", domain.ErrTransient)
				}
				from = spot{}
				continue
			}
			p.pulls = p.pulls[1:]
		}
		next := ""
		if !p.last {
			if len(p.pulls) == 0 {
				return fmt.Errorf("bitbucket: pages of one pull request: %w", domain.ErrPartial)
			}
			from = spot{p.next - 1, p.pulls[len(p.pulls)-1].id}
			next = from.String()
		}
		if err := take(items(p.pulls), next); err != nil || p.last {
			return err
		}
	}
}

// open are all that are open. One that is missed because another was closed
// meanwhile comes with the next mark, which differs then.
func (k serverPulls) open(ctx context.Context) ([]domain.Item, error) {
	var all []domain.Item
	start := 0
	for range maxPages {
		p, err := k.list(ctx, "OPEN", "NEWEST", start)
		if err != nil {
			return nil, err
		}
		all = append(all, items(p.pulls)...)
		if p.last {
			return all, nil
		}
		start = p.next
	}
	return nil, fmt.Errorf("bitbucket: too many open pull requests: %w", domain.ErrTooLarge)
}

// Mark implements forge.Kind.
func (k serverPulls) Mark(ctx context.Context) (forge.Mark, error) {
	all, err := k.open(k.poll(ctx, "pulls"))
	if err != nil {
		return forge.Mark{}, err
	}
	p, err := k.list(k.poll(ctx, "pulls"), "ALL", "NEWEST", 0)
	newest := items(p.pulls)
	return forge.Mark{Since: forge.Latest(newest), Seen: forge.SeenOf(append(all, newest...))}, err
}

// Since implements forge.Kind. It stops at what is old only as long as the list
// is in the order of changes: the API does not say which order NEWEST is.
func (k serverPulls) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	all, err := k.open(k.call(ctx, "pulls"))
	if err != nil {
		return err
	}
	if err := take(all); err != nil {
		return err
	}
	var last time.Time
	ordered := true
	for start := 0; ; {
		p, err := k.whole(ctx, "ALL", "NEWEST", start)
		if err != nil {
			return err
		}
		for _, v := range p.pulls {
			ordered = ordered && (last.IsZero() || !v.updated.After(last))
			last = v.updated
		}
		if err := take(items(p.pulls)); err != nil {
			return err
		}
		if p.last || ordered && !last.IsZero() && last.Before(m.From()) {
			return nil
		}
		start = p.next
	}
}
