package ingest

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/confuse/data-connector/domain"
)

// errNoVault is a source with a credential in a process that keeps none.
var errNoVault = errors.New("this process has no vault for credentials")

// A scoper makes the scopes of sources.
type scoper struct {
	cache string             // folder for the caches of connectors, a folder a source
	vault domain.Credentials // nil: none is kept
}

// scope is src as its connector sees it, outside a run.
func (s scoper) scope(src domain.Source) (domain.Scope, *Filter, error) {
	filter, err := NewFilter(src.Config)
	if err != nil {
		return domain.Scope{}, nil, err
	}
	object := domain.ObjectState{}
	if src.Object != nil {
		object = *src.Object
	}
	return domain.Scope{
		Source: src.ID, ExternalKey: src.ExternalKey, Object: object, Config: src.Config, Cache: filepath.Join(s.cache, src.ID.String(), "connector"),
		Skip: filter.Skips, Credential: s.credential(src),
	}, filter, nil
}

// credential opens the credential of src; nil when it has none.
func (s scoper) credential(src domain.Source) func(context.Context) (domain.Credential, error) {
	if src.CredentialID == "" {
		return nil
	}
	return func(ctx context.Context) (domain.Credential, error) {
		if s.vault == nil {
			return domain.Credential{}, errNoVault
		}
		return s.vault.Get(ctx, src.Owner, src.Provider, src.CredentialID)
	}
}
