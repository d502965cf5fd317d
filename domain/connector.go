package domain

import (
	"context"
	"encoding/json"
)

// A Connector reads one provider. It keeps no state of its own but what lies in
// Scope.Cache; one value serves all sources of the provider and may be used
// concurrently. It answers with the connector errors of this package, never with
// its vendor's.
//
// Whatever else a provider can do is an optional interface, found by type
// assertion: [Feed], [Prober], [Watcher], [BulkFetcher], [WebhookParser],
// [WebhookAdmin], [DeliveryLog], [SharedDeliveryLog].
type Connector interface {
	// Describe tells abilities, options and limits. It never changes.
	Describe() Capabilities
	// Validate looks whether the scope can be read; cheap, changes nothing there.
	// An option that is not allowed is an [InvalidError] naming "config.<option>".
	Validate(ctx context.Context, s Scope) (Identity, error)
	// Snapshot lists everything below s, page by page, going on at resume when it
	// is not zero. The last page has Complete only when the listing is proven
	// complete (I8). It holds one page in memory, never the listing. It returns
	// nil exactly when a page with Complete was taken by sink, and the error of
	// sink as it is.
	Snapshot(ctx context.Context, s Scope, resume Cursor, sink Sink) error
	// Fetch opens exactly the version that ref names, else it says in
	// Content.Version which one it read.
	Fetch(ctx context.Context, s Scope, ref ItemRef) (Content, error)
}

// A Sink takes the pages of a listing or feed, one at a time. When Page returns
// nil every FileChanged of the page is acknowledged, or the page is set aside
// until the listing is complete. Any error ends the listing.
type Sink interface {
	Page(ctx context.Context, p Page) error
}

// A Feed is a connector whose provider tells changes. A connector without one is
// listed at every sync and compared with what is known.
type Feed interface {
	// StartCursor is the position of the feed now. It is taken before a listing.
	StartCursor(ctx context.Context, s Scope) (Cursor, error)
	// Changes gives what changed since from, page by page, to the present end of
	// the feed. ErrCursorReset: from cannot be used any more.
	Changes(ctx context.Context, s Scope, from Cursor, sink Sink) error
}

// A Prober tells cheaply whether anything changed since a cursor.
type Prober interface {
	Changed(ctx context.Context, s Scope, from Cursor) (bool, error)
}

// A Watcher gives notices of change until ctx ends. They are hints, never data. With
// Scope.Fresh an earlier watch has broken off: the first hint comes when this one has
// begun, for whatever was missed.
type Watcher interface {
	Watch(ctx context.Context, s Scope, hint func(Hint)) error
}

// A BulkFetcher reads many items at less cost than Fetch does one by one.
type BulkFetcher interface {
	// FetchAll reads refs and calls take once for each that it comes to, with its
	// place in refs, one call at a time. What Fetch would fail with goes to take;
	// Content.Body may be read until take returns. It returns nil when take was
	// called for all of them, and the error of take as it is.
	FetchAll(ctx context.Context, s Scope, refs []ItemRef, take func(i int, c Content, err error) error) error
}

// Capabilities are what a connector can do.
type Capabilities struct {
	Provider Provider
	Aliases  []Provider // other names users may give
	Identity Identified
	// Ordered: Snapshot lists in the byte order of the raw paths. The engine then
	// compares as it goes; else it sorts the listing on disk first.
	Ordered bool
	Options []Option // besides the filters, which every connector has
}

// Identified says what makes an item the same item.
type Identified string

// The identities of items.
const (
	ByPath Identified = "path" // the provider has no ids: git, local folders
	ByItem Identified = "item" // Item.ID
)

// An Option is one setting of a source in its config.
type Option struct {
	Name     string
	Kind     OptionKind
	Required bool
	Help     string // one sentence
}

// An OptionKind is the JSON type of an option.
type OptionKind string

// The kinds of options.
const (
	OptionString  OptionKind = "string"
	OptionBool    OptionKind = "boolean"
	OptionInt     OptionKind = "integer"
	OptionStrings OptionKind = "strings" // an array of strings
)

// A Scope is one source as a connector sees it.
type Scope struct {
	Source SourceID
	// ExternalKey is what Validate said when the source was connected, so that a
	// name which leads elsewhere by now is not followed; empty while it is being
	// connected or changed.
	ExternalKey string
	Object      ObjectState                         // what the source says of the object; zero: nothing
	Config      json.RawMessage                     // an object with the connector's options and the filters
	Cache       string                              // a folder of this source on this worker; lost = looked at again, no event
	Fresh       bool                                // trust no cache: somebody asked for a full sync, or notices were missed
	Awaited     bool                                // a hint or a person began this run: its calls come before those of others
	Skip        func(rawPath []byte, dir bool) bool // whether the filters leave a path out; nil: none. A hint that saves listing
	Known       Known                               // nil outside a run
	// Credential opens the source's credential as it is now; nil when it has none.
	Credential func(ctx context.Context) (Credential, error)
}

// Known is what the source held when the run began.
type Known interface {
	// At finds the live file at a raw path.
	At(ctx context.Context, rawPath []byte) (File, bool, error)
}

// An Identity is what Validate found at the provider.
type Identity struct {
	ExternalKey string // the same for two scopes exactly when they are the same object
	Name        string // for people
	URL         string // for people; empty when there is none
	State       ObjectState
}
