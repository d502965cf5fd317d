package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// A partitionLag says how far the tables are behind one partition of the events.
type partitionLag struct {
	Partition int32     `json:"partition"`
	End       int64     `json:"end"`      // offset behind the last event
	Position  int64     `json:"position"` // next offset to fold
	Behind    int64     `json:"behind"`   // End less Position
	Poison    int64     `json:"poison"`   // records that were set aside
	Parked    int64     `json:"parked"`   // sources that were
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
}

func (c *command) lag() *cobra.Command {
	var at where
	var asJSON bool
	cmd := &cobra.Command{
		Use: "lag", Short: "Tell how far the read tables are behind the log", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.servers(at, "DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")
			if err != nil {
				return err
			}
			lags, err := c.readLag(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), lags)
			}
			t := newTable(cmd.OutOrStdout(), "PARTITION", "END", "POSITION", "BEHIND", "POISON", "PARKED", "FOLDED AT")
			for _, l := range lags {
				t.row(l.Partition, l.End, l.Position, l.Behind, l.Poison, l.Parked, when(l.UpdatedAt))
			}
			return t.flush()
		},
	}
	at.flagData(cmd)
	flagJSON(cmd, &asJSON)
	return cmd
}

func (c *command) readLag(ctx context.Context, cfg config) ([]partitionLag, error) {
	db, err := postgres.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	o, err := cfg.kafkaOptions(cfg.newLogger(c.err))
	if err != nil {
		return nil, err
	}
	log, err := kafka.NewLog(o)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	return measureLag(ctx, log, projections.NewReader(db), o.Layout.Events())
}

// measureLag compares the log with the checkpoints. The ends are read after them,
// so that no lag is negative.
func measureLag(ctx context.Context, log domain.Log, tables *projections.Reader, topic string) ([]partitionLag, error) {
	checkpoints, err := tables.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	n, err := log.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	lags := make([]partitionLag, n)
	for _, c := range checkpoints {
		if c.Topic == topic && c.Partition < n {
			lags[c.Partition] = partitionLag{Position: c.Position, Poison: c.Poison, Parked: c.Parked, UpdatedAt: c.UpdatedAt}
		}
	}
	var errs []error
	for i := range lags {
		l := &lags[i]
		l.Partition = int32(i) //nolint:gosec // i is below n, an int32
		l.End, err = log.End(ctx, l.Partition)
		if err != nil {
			errs = append(errs, fmt.Errorf("partition %d: %w", i, err))
		}
		l.Behind = l.End - l.Position
	}
	return lags, errors.Join(errs...)
}
