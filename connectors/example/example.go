package example

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/confuse/data-connector/domain"
)

var (
	_ domain.Connector = (*Connector)(nil)
	_ domain.Feed      = (*Connector)(nil)
)

// A Connector reads the example API. It may be used concurrently.
type Connector struct {
	client *http.Client
	clock  domain.Clock // for Retry-After alone
}

// New makes a connector. client bounds how long a call may take.
func New(client *http.Client, clock domain.Clock) *Connector {
	return &Connector{client: client, clock: clock}
}

// Describe implements domain.Connector.
func (c *Connector) Describe() domain.Capabilities {
	return domain.Capabilities{Provider: "example", Identity: domain.ByItem, Options: []domain.Option{
		{Name: "url", Kind: domain.OptionString, Required: true, Help: "Where the API is."},
	}}
}

// Validate implements domain.Connector.
func (c *Connector) Validate(ctx context.Context, s domain.Scope) (domain.Identity, error) {
	base, err := baseURL(s)
	if err != nil {
		return domain.Identity{}, err
	}
	if _, err := c.page(ctx, s, "/changes", nil); err != nil {
		return domain.Identity{}, err
	}
	return domain.Identity{ExternalKey: base, Name: path.Base(base), URL: base}, nil
}

func baseURL(s domain.Scope) (string, error) {
	var config struct {
		URL string `json:"url"`
	}
	err := json.Unmarshal(s.Config, &config)
	if u, errURL := url.Parse(config.URL); err != nil || errURL != nil || u.Host == "" {
		return "", &domain.InvalidError{Field: "config.url", Problem: "is not a URL", Allowed: "https://..."}
	}
	return strings.TrimSuffix(config.URL, "/"), nil
}

// page is a page of the API's listing or feed.
type page struct {
	Items []struct {
		ID      string `json:"id"`
		Path    string `json:"path"`
		Version string `json:"version"`
		Size    int64  `json:"size"`
		Deleted bool   `json:"deleted"`
	} `json:"items"`
	Next string `json:"next"`
	End  bool   `json:"end"`
}

func (p page) changes() []domain.Change {
	var changes []domain.Change
	for _, i := range p.Items {
		item := domain.Item{ID: i.ID}
		if !i.Deleted {
			item.Path, item.Version, item.Size = []byte(i.Path), i.Version, i.Size
		}
		changes = append(changes, domain.Change{Item: item, Deleted: i.Deleted})
	}
	return changes
}

// Snapshot implements domain.Connector. A page that neither ends the listing nor
// names the next one is ErrPartial.
func (c *Connector) Snapshot(ctx context.Context, s domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	after := place(resume)
	for {
		p, err := c.page(ctx, s, "/items", url.Values{"after": {after}})
		if err != nil {
			return err
		}
		after = p.Next
		out := domain.Page{Changes: p.changes(), Next: cursor("listing", after), Complete: p.End} // I8
		if err := sink.Page(ctx, out); err != nil || p.End {
			return err
		}
	}
}

// StartCursor implements domain.Feed.
func (c *Connector) StartCursor(ctx context.Context, s domain.Scope) (domain.Cursor, error) {
	p, err := c.page(ctx, s, "/changes", nil)
	return cursor("feed", p.Next), err
}

// Changes implements domain.Feed.
func (c *Connector) Changes(ctx context.Context, s domain.Scope, from domain.Cursor, sink domain.Sink) error {
	since := place(from)
	for {
		p, err := c.page(ctx, s, "/changes", url.Values{"since": {since}})
		if err != nil {
			return err
		}
		since = p.Next
		if err := sink.Page(ctx, domain.Page{Changes: p.changes(), Next: cursor("feed", since)}); err != nil || p.End {
			return err
		}
	}
}

func (c *Connector) page(ctx context.Context, s domain.Scope, call string, query url.Values) (page, error) {
	resp, err := c.get(ctx, s, call+"?"+query.Encode())
	if err != nil {
		return page{}, err
	}
	var p page
	err = json.NewDecoder(resp.Body).Decode(&p)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return page{}, fmt.Errorf("example: %s: page is cut off: %w: %w", call, domain.ErrTransient, err)
	}
	if !p.End && p.Next == "" {
		return page{}, fmt.Errorf("example: %s: page is truncated: %w", call, domain.ErrPartial)
	}
	return p, nil
}

// Fetch implements domain.Connector.
func (c *Connector) Fetch(ctx context.Context, s domain.Scope, ref domain.ItemRef) (domain.Content, error) {
	resp, err := c.get(ctx, s, "/items/"+url.PathEscape(ref.ID)+"/content") //nolint:bodyclose // the caller closes it
	if err != nil {
		return domain.Content{}, err
	}
	return domain.Content{Body: body{resp.Body}, Version: resp.Header.Get("X-Version")}, nil
}

// cursor wraps a token of the API. None is no position.
func cursor(kind, token string) domain.Cursor {
	if token == "" {
		return domain.Cursor{}
	}
	opaque, _ := json.Marshal(token) // a string always marshals
	return domain.Cursor{V: 1, Kind: kind, Opaque: opaque}
}

// place is the token in a cursor; empty: from the start.
func place(c domain.Cursor) string {
	var token string
	_ = json.Unmarshal(c.Opaque, &token) // a zero cursor has none
	return token
}
