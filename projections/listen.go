package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/confuse/data-connector/domain"
)

// Channels of NOTIFY. The payload of the first is a position: "7:918273", the
// partition of the events topic and its next offset to fold.
const (
	foldedChannel = "dataconnector_folded"
	newsChannel   = "dataconnector_changed"
)

// listenAgain is how long Listen leaves the database alone after it lost its
// connection.
const listenAgain = time.Second

// notify tells other processes, as soon as the transaction is committed.
func notify(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	if p.aside {
		return nil
	}
	at := domain.Position{Partition: p.number, Offset: b.next()}
	_, err := tx.Exec(ctx, `SELECT pg_notify($1, $2)`, foldedChannel, at.String())
	if err == nil && b.news {
		_, err = tx.Exec(ctx, `SELECT pg_notify($1, '')`, newsChannel)
	}
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// Listen passes on what runners of other processes fold until ctx ends, and
// returns its error. It holds one connection of its own. When it has lost it, it
// connects again and then looks at the checkpoints once, for what it missed.
func (w *Waiters) Listen(ctx context.Context) error {
	for {
		err := w.listen(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.log.WarnContext(ctx, "lost the connection that listens for folded events", "err", err)
		select {
		case <-w.clock.After(listenAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listen passes on notifications until the connection breaks.
func (w *Waiters) listen(ctx context.Context) error {
	pooled, err := w.db.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack()                                       // its LISTEN must not return to the pool
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is open on it
	if _, err := conn.Exec(ctx, "LISTEN "+foldedChannel+"; LISTEN "+newsChannel); err != nil {
		return err
	}
	if err := w.catchUp(ctx, conn); err != nil {
		return err
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		w.notified(n)
	}
}

func (w *Waiters) notified(n *pgconn.Notification) {
	if n.Channel == newsChannel {
		w.news()
		return
	}
	if at, err := domain.ParsePosition(n.Payload); err == nil { // else not from us
		w.folded(at.Partition, at.Offset)
	}
}

// catchUp wakes whom nobody told while there was no connection.
func (w *Waiters) catchUp(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT partition, position FROM checkpoints WHERE topic = $1`, w.topic)
	if err != nil {
		return err
	}
	positions, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (at domain.Position, err error) {
		err = row.Scan(&at.Partition, &at.Offset)
		return at, err
	})
	if err != nil {
		return err
	}
	for _, at := range positions {
		w.folded(at.Partition, at.Offset)
	}
	w.news()
	return nil
}
