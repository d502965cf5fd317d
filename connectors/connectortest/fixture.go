package connectortest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// A Fixture is a connector set up against a provider that holds exactly Files.
type Fixture struct {
	Connector domain.Connector
	Config    json.RawMessage
	Token     string // of the source's credential, which the engine's runs do not have; empty: it has none

	// Files is what the provider holds: raw path to content, of every item that
	// has content. It needs more than one page of them, so that a listing has a
	// middle.
	Files map[string]string

	// Put makes or changes a file at the provider, Remove removes one. They are
	// asked for names like those in Files.
	Put    func(path, content string)
	Remove func(path string)
	Rename func(from, to string) // within a folder; nothing is at to

	// Faults are the ways in which the provider can be made to fail in the middle
	// of a listing. Each lasts until Mend. An empty map is skipped with a word.
	Faults map[Fault]func()
	Mend   func()

	// Reset makes every cursor of the feed unusable. Only for a domain.Feed.
	Reset func()

	// Watching returns when a Watch that was begun sees every change from now on,
	// or with the error of ctx. Only for a domain.Watcher.
	Watching func(ctx context.Context) error
}

// A Fault is a way in which a provider fails.
type Fault string

// The faults that a listing has to survive. After each of them it is complete and
// whole, or it is an error.
const (
	Truncated    Fault = "truncated"    // the provider says that there is more than it gives
	Unauthorized Fault = "unauthorized" // it refuses the credential from the second page on
	CutOff       Fault = "cut off"      // the connection ends inside a page
	EmptyPage    Fault = "empty page"   // a page without items that names a next one: no end, no error
	Repeated     Fault = "repeated"     // a page comes twice: no error
	ServerError  Fault = "server error" // 5xx from the second page on
	RateLimited  Fault = "rate limited" // 429 from the second page on
	Vanished     Fault = "vanished"     // what is listed goes away meanwhile
)

// scope is a scope of f as the engine makes one, with a cache of its own.
func (f Fixture) scope(t *testing.T) domain.Scope {
	t.Helper()
	s := domain.Scope{Source: must(domain.NewSourceID()), Config: f.Config, Cache: t.TempDir()}
	return f.withToken(s)
}

func (f Fixture) mend() {
	if f.Mend != nil {
		f.Mend()
	}
}
