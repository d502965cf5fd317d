package main

import (
	"context"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// deliveries is how webhooks come in.
func (s *service) deliveries() httpapi.Deliveries {
	webhooks := &ingest.Webhooks{
		Log: s.commands, Index: s.reader, Objects: postgres.NewReservations(s.db), Hooks: s.hookTable(), Marks: s.marks, Inbox: s.inbox,
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
	relay := &ingest.Relay{Log: s.commands, Inbox: s.inbox, Clock: s.clock, Logger: s.log}
	return relay.Run(ctx)
}
