package httpapi

import (
	"context"
	"encoding/json"
	"slices"
)

// Options are the names of the options that a connector takes, given its name or
// another one of it; false: there is no such connector.
type Options func(provider string) ([]string, bool)

// dropForeign takes out of a trusted gateway's config what the connector does not
// know: the gateway hands on whatever its own callers wrote beside the options,
// and shows our 400 as an error of its own. Nothing keeps it, because nothing in
// a source's registration has a place for it. All others are told what is unknown.
func (s *Server) dropForeign(ctx context.Context, provider string, config map[string]json.RawMessage) {
	who, _ := ctx.Value(identityKey).(Identity) // the zero one is no gateway
	if !who.Gateway || s.Options == nil {
		return
	}
	known, ok := s.Options(provider)
	if !ok {
		return // the use case says which connectors there are
	}
	for name := range config {
		if name != "name" && !slices.Contains(known, name) {
			delete(config, name)
		}
	}
}
