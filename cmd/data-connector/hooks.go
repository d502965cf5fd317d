package main

import (
	"context"
	"net/url"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// hooks are where a test takes hold of a process: between two writes, and in
// front of the clock. Nothing sets them but tests; their zero value changes
// nothing.
type hooks struct {
	pages func(domain.Log) domain.Log               // the log that runs append to
	hints func(domain.Log) domain.Log               // the one that deliveries go to
	inbox func(ingest.Inbox) ingest.Inbox           // where they go when it is away
	relay func(domain.Log) domain.Log               // the one that the inbox is relayed to
	packs func(domain.Packs) domain.Packs           // the content store of runs
	now   func(domain.Clock) domain.Clock           // the clock of everything
	point func(context.Context, string) error       // passed by projectors and rebuilds
	kafka []kgo.Opt                                 // of every client
	local func(*localfs.Connector) domain.Connector // the connector of local folders
	cloud *url.URL                                  // where Bitbucket Cloud is
}

// wrapped is v, wrapped if there is something to wrap it with.
func wrapped[T any](v T, wrap func(T) T) T {
	if wrap == nil {
		return v
	}
	return wrap(v)
}

// newClock is the clock of a process.
func (h hooks) newClock() domain.Clock { return wrapped[domain.Clock](clock.System{}, h.now) }

// folders is the connector of local folders.
func (h hooks) folders(c *localfs.Connector) domain.Connector {
	if h.local == nil {
		return c
	}
	return h.local(c)
}
