package pgserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// readyTimeout allows for the replay of a full write-ahead log after a crash.
const readyTimeout = 2 * time.Minute

// errNotYet: the server still starts.
var errNotYet = errors.New("not ready yet")

// ready waits until s accepts connections, and makes the database.
func (c *cluster) ready(ctx context.Context, s *Server, port int) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := c.ensureDatabase(ctx, connectionURL(c.Options, port, "postgres"))
		if !errors.Is(err, errNotYet) {
			return err
		}
		select {
		case <-again.C:
		case <-s.exited:
			return fmt.Errorf("the server ended during its start: %w", s.err)
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready after %v: %w", readyTimeout, errors.Join(ctx.Err(), err))
		}
	}
}

// ensureDatabase makes the database unless it is there. errNotYet: try again.
func (c *cluster) ensureDatabase(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = conn.Close(ctx) }() // all it did is committed
	var exists bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, c.Database).Scan(&exists)
	if err != nil {
		return fmt.Errorf("look for database %q: %w", c.Database, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{c.Database}.Sanitize()); err != nil {
		return fmt.Errorf("make database %q: %w", c.Database, err)
	}
	return nil
}

// cannotConnectNow is the SQLSTATE of a server that starts or replays its log.
const cannotConnectNow = "57P03"

// classify tells a server that starts from one that refuses.
func classify(err error) error {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code != cannotConnectNow {
		return fmt.Errorf("connect: %w", refusal)
	}
	return fmt.Errorf("%w: %w", errNotYet, err)
}
