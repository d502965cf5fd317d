package main

import (
	"context"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/notify"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// httpsPort is the one that a host is looked at for: a guard asks for one.
const httpsPort = 443

// sender hands messages to targets on public addresses, and on those of
// PRIVATE_NETWORKS.
func (s *service) sender() *notify.Sender {
	resolve := rest.Resolve(s.PrivateNetworks)
	return &notify.Sender{
		HTTP: rest.Guarded(s.PrivateNetworks), Clock: s.clock,
		Host: func(ctx context.Context, host string) (netip.Addr, error) { return resolve(ctx, host, httpsPort) },
	}
}

// notifications are the rules of who is told what.
func (s *service) notifications() *ingest.Notifications {
	return &ingest.Notifications{
		Table: postgres.NewNotifications(s.db), Sender: s.sender(), Credentials: s.credentials, Index: s.reader, Clock: s.clock,
	}
}

// notify tells people about their sources.
func (s *service) notify(ctx context.Context) error {
	post := notify.NewPost(s.sender(), s.log)
	notifier := &ingest.Notifier{
		Table: postgres.NewNotifications(s.db), Sender: post, Credentials: s.credentials, Index: s.reader, Troubles: s.troubles,
		Clock: s.clock, Logger: s.log,
	}
	group, work := errgroup.WithContext(ctx)
	group.Go(func() error { return post.Run(work) })
	group.Go(func() error { return notifier.Run(work) })
	return group.Wait()
}

func (s *service) troubles(ctx context.Context) (map[domain.SourceID]ingest.Trouble, error) {
	rows, err := s.reader.Troubles(ctx)
	found := make(map[domain.SourceID]ingest.Trouble, len(rows))
	for id, t := range rows {
		found[id] = ingest.Trouble(t)
	}
	return found, err
}
