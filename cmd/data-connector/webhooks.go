package main

import (
	"context"
	"errors"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// deliveries is how webhooks come in.
func (s *service) deliveries() httpapi.Deliveries {
	webhooks := &ingest.Webhooks{
		Log: wrapped[domain.Log](s.commands, s.hooks.hints), Index: s.reader, Objects: postgres.NewReservations(s.db), Installed: s.reader, Hooks: s.hookTable(), Marks: s.marks,
		Inbox: wrapped[ingest.Inbox](s.inbox, s.hooks.inbox), Idle: postgres.NewIdleDeliveries(s.db),
		Clock: s.clock, Connectors: s.connectors(), Logger: s.log,
		Secrets: map[domain.Provider][]domain.Secret{
			"github": s.GitHubSecrets.domain(), "gitlab": s.GitLabTokens.domain(), "bitbucket": s.BitbucketSecret.domain(),
		},
	}
	d := httpapi.Deliveries{Webhooks: webhooks, Limit: s.WebhookLimit}
	if gatekeeper, ok := s.authenticator().(httpapi.Gatekeeper); ok && s.TrustRelayed {
		d.Gateway = gatekeeper
	}
	return d
}

// hookTable is where the addresses of sources are; nil without a vault.
func (s *service) hookTable() ingest.HookTable {
	if s.vault == nil {
		return nil
	}
	return s.vault.Hooks()
}

// relay brings the hints of the inbox to the log.
func (s *service) relay(ctx context.Context) error {
	relay := &ingest.Relay{Log: wrapped[domain.Log](s.commands, s.hooks.relay), Inbox: s.inbox, Clock: s.clock, Logger: s.log}
	return relay.Run(ctx)
}

// tidyDeliveries deletes what is too old of deliveries that had no effect.
func (s *service) tidyDeliveries(ctx context.Context) error {
	return ingest.TidyDeliveries(ctx, postgres.NewIdleDeliveries(s.db), s.clock, func(err error) {
		s.log.WarnContext(ctx, "old deliveries are still there", "err", err)
	})
}

// sourceHooks makes addresses; nil without a vault for their secrets.
func (s *service) sourceHooks() httpapi.SourceHooks {
	if s.vault == nil {
		return nil
	}
	return &ingest.SourceHooks{Hooks: s.vault.Hooks(), Index: s.reader, Clock: s.clock, PublicURL: string(s.PublicURL)}
}

// registrar keeps webhooks at the providers; nil without a vault.
func (s *service) registrar() *ingest.Registrar {
	if s.vault == nil {
		return nil
	}
	return &ingest.Registrar{
		Log: s.commands, Index: s.reader, Hooks: s.vault.Hooks(), Connectors: s.connectors(), Credentials: s.credentials, Clock: s.clock,
		Cache: s.CacheDir, PublicURL: string(s.PublicURL), Turn: s.marks.Turn, Logger: s.log,
	}
}

// register keeps webhooks at the providers, where those can reach the service.
func (s *service) register(ctx context.Context) error {
	registrar := s.registrar()
	if registrar == nil || s.PublicURL == "" {
		return nil
	}
	changed, stop := s.waiters.Changed()
	defer stop()
	registrar.Changed = changed
	return registrar.Run(ctx)
}

// forget takes back what was registered for a source that goes, and forgets what
// of it was handed on.
func (s *service) forget() func(context.Context, domain.Source) error {
	registrar, given, idle := s.registrar(), postgres.NewHanded(s.db), postgres.NewIdleDeliveries(s.db)
	return func(ctx context.Context, source domain.Source) error {
		if err := errors.Join(given.Forget(ctx, source.ID), idle.Forget(ctx, source.ID)); err != nil || registrar == nil {
			return err
		}
		return registrar.Forget(ctx, source)
	}
}
