package main

import (
	"context"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

// kafkaPatience is how long a start waits for Kafka before it serves what needs none.
const kafkaPatience = 2 * time.Second

// begin finds the log, starts the roles beside api, and tells once all requests are
// taken. A process that dies before leaves nothing but rows of the inbox, which the
// relay of the next one finds.
func (s *service) begin(ctx context.Context, group *errgroup.Group, listener net.Listener, whole bool) error {
	missing, err := s.findLog(ctx, whole && s.has(roleAPI))
	if err != nil {
		return err
	}
	s.filling.Store(len(missing) > 0) // before a command decides by the tables
	s.commands.checked.Store(true)
	s.start(ctx, group, listener)
	if err := s.fill(ctx, missing); err != nil {
		return err
	}
	return s.announce(ctx)
}

// findLog makes the topics that are missing and tells what the tables lack of the
// log. Where they serve meanwhile it does not give up, and after a moment lets in
// who can do without the log: reads, and deliveries, which go to the inbox.
func (s *service) findLog(ctx context.Context, serves bool) ([]domain.Position, error) {
	type found struct {
		missing []domain.Position
		err     error
	}
	patience, finding := s.StartupTimeout, make(chan found, 1)
	if serves {
		patience = endless
	}
	go func() {
		var f found
		f.err = s.await(ctx, "kafka", patience, func(ctx context.Context) (err error) {
			if err = kafka.Ensure(ctx, s.kafka); err == nil {
				f.missing, err = s.missing(ctx)
			}
			return err
		})
		finding <- f
	}()
	if serves {
		select {
		case f := <-finding:
			return f.missing, f.err
		case <-s.clock.After(kafkaPatience):
			s.filling.Store(false)
			s.log.WarnContext(ctx, "webhooks and reads are served without kafka", "url", s.url)
		}
	}
	f := <-finding
	return f.missing, f.err
}
