package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/confuse/data-connector/cmd/testbed"
)

// A service is the real one, in a process of its own, on a corner.
type service struct {
	bench *bench
	*testbed.Corner
	*testbed.Process
}

// startService starts the service on a new corner. allowed is the folder below
// which others may be connected; more are further variables.
func (b *bench) startService(ctx context.Context, allowed string, more ...string) (*service, error) {
	c, err := b.servers.NewCorner(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	p, err := testbed.Start(ctx, testbed.Command{
		Binary: b.binary, Args: []string{"serve"}, Env: append(c.Environment(allowed), more...), Log: filepath.Join(c.Dir, "service.log"),
	})
	if err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return &service{bench: b, Corner: c, Process: p}, nil
}

// close stops the service and deletes its corner.
func (s *service) close(ctx context.Context) error {
	s.Stop()
	return s.Close(ctx)
}
