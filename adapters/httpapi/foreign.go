package httpapi

import (
	"context"
	"encoding/json"
	"slices"
)

// Options are the names of the options that a connector takes, given its name or
// another one of it; false: there is no such connector.
type Options func(provider string) ([]string, bool)

// takeForeign takes out of a trusted gateway's config what the connector does not
// know, and gives it: the gateway hands on whatever its own callers wrote beside
// the options, and shows our 400 as an error of its own. It is kept as metadata of
// the source. All others are told what is unknown.
func (s *Server) takeForeign(ctx context.Context, provider string, config map[string]json.RawMessage) map[string]json.RawMessage {
	who, _ := ctx.Value(identityKey).(Identity) // the zero one is no gateway
	if !who.Gateway || s.Options == nil {
		return nil
	}
	known, ok := s.Options(provider)
	if !ok {
		return nil // the use case says which connectors there are
	}
	foreign := map[string]json.RawMessage{}
	for name, value := range config {
		if name != "name" && !slices.Contains(known, name) {
			foreign[name] = value
			delete(config, name)
		}
	}
	return foreign
}
