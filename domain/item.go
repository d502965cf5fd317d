package domain

import (
	"context"
	"io"
	"time"
)

// An Item is what a connector says of one thing at the provider. The engine turns
// it into a [FileState] and decides whether that is news.
type Item struct {
	ID         string    // the provider's id; empty when Capabilities.Identity is ByPath
	Path       []byte    // raw, slash-separated, relative to the root, no leading slash; unique when Identity is ByPath
	Kind       FileKind  // zero: KindFile
	Version    string    // the provider's name for this version; empty when only the content tells
	Digest     Digest    // of the content, when it is known without reading it; else zero
	Size       int64     // bytes; -1 when unknown
	Bodiless   bool      // there is no content to fetch: a symlink, a submodule
	MovedFrom  []byte    // a hint that it was at this path; honoured only if that file is gone: not named by a complete listing, or deleted by the same page of a feed
	MediaType  string    // empty: the engine derives it from the name
	WebURL     string    // empty when there is none
	Modified   time.Time // zero when unknown
	Attributes map[string]string
	People     []Participant // the engine puts references on the log in their place (I7)
}

// A Participant is a person who has to do with an item.
type Participant struct {
	Role string // one word: "author" becomes FileChanged.AuthorRef, any other the attribute "<role>_refs"
	Person
}

// A Person is somebody at the provider. Names and addresses never go to the log
// (I7).
type Person struct {
	ID      string // the provider's, stable when the person changes their name
	Name    string
	Address string // of mail; empty when not known
}

// People keeps who is behind the references on the log, so that they can be
// erased there.
type People interface {
	// Refs are the references of people at a provider, in their order: random, one
	// for each owner and person. Names and addresses that have changed are kept.
	Refs(ctx context.Context, owner OwnerID, provider Provider, people []Person) ([]string, error)
}

// A Change is one entry of a feed: what an item is now, or that it is gone.
type Change struct {
	Item    Item
	Deleted bool // only ID (ByItem) or Path (ByPath) of Item is set
}

// A Page is the unit of resume: changes that become durable together.
type Page struct {
	Changes  []Change
	Failures []ItemFailure // one bad item never fails the page
	Unread   [][]byte      // raw paths at and below which nothing could be read: files known there are not missing
	Next     Cursor        // position behind the page; a zero one cannot be resumed from
	Complete bool          // only on the last page of a proven complete listing: the only licence to delete by absence (I8)
}

// A Content is one version of an item.
type Content struct {
	Body    io.ReadCloser // the caller closes it; it fails with ErrChanging when the item changes while it is read
	Version string        // really read; empty when the provider has no names for versions
	// Read is told the digest once Body was read to its end, so that a connector
	// may remember it in its cache. It may be nil.
	Read func(Digest)
}

// An ItemRef names one version of an item to fetch.
type ItemRef struct {
	ID      string
	Path    []byte
	Version string // as listed; empty: the present one
	Size    int64  // as listed, -1 unknown
}

// Ref is the reference to i as it was listed.
func (i Item) Ref() ItemRef {
	return ItemRef{ID: i.ID, Path: i.Path, Version: i.Version, Size: i.Size}
}
