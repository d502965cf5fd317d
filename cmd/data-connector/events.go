package main

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

func (c *command) events() *cobra.Command {
	return group("events", "Look at the events on the log", c.eventsTail())
}

// A tailing is what the flags of events tail say.
type tailing struct {
	where
	from      string
	source    string
	partition int32
	follow    bool
	asJSON    bool
}

func (c *command) eventsTail() *cobra.Command {
	var o tailing
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print the events as they stand on the log",
		Long: `Prints the events as they stand on the log, from --from on, and then those that
come, until it is stopped. Within a partition, and so within a source, they are in
their order.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			cfg, err := c.servers(o.where, "KAFKA_BOOTSTRAP_SERVERS")
			if err != nil {
				return err
			}
			options, err := cfg.kafkaOptions(cfg.newLogger(c.err))
			if err != nil {
				return err
			}
			err = o.tail(cmd.Context(), options, eventPrinter(cmd.OutOrStdout(), o.asJSON))
			return unlessStopped(cmd.Context(), err)
		},
	}
	o.flagData(cmd)
	cmd.Flags().StringVar(&o.from, "from", "now", "where to begin: beginning, now, or an offset (with --partition)")
	cmd.Flags().StringVar(&o.source, "source", "", "only events of the source with this id")
	cmd.Flags().Int32Var(&o.partition, "partition", -1, "only this partition")
	cmd.Flags().BoolVar(&o.follow, "follow", true, "go on with what comes; --follow=false stops at the end")
	flagJSON(cmd, &o.asJSON)
	return cmd
}

func (o tailing) check() error {
	if o.source != "" {
		if _, err := domain.ParseSourceID(o.source); err != nil {
			return usage("--source: %w", err)
		}
	}
	if o.from == "beginning" || o.from == "now" {
		return nil
	}
	offset, err := strconv.ParseInt(o.from, 10, 64)
	if err != nil || offset < 0 {
		return usage("--from is %q; allowed: beginning, now, or an offset", o.from)
	}
	if o.partition < 0 {
		return usage("--from with an offset needs --partition: offsets of different partitions have nothing to do with each other")
	}
	return nil
}

// tail gives the records to print, one at a time.
func (o tailing) tail(ctx context.Context, k kafka.Options, show func(domain.Record) error) error {
	log, err := kafka.NewLog(k)
	if err != nil {
		return err
	}
	defer log.Close()
	n, err := log.Partitions(ctx)
	if err != nil {
		return err
	}
	first, last := int32(0), n
	if o.partition >= 0 {
		first, last = o.partition, o.partition+1
	}
	records := make(chan domain.Record)
	group, work := errgroup.WithContext(ctx)
	for p := first; p < last; p++ {
		group.Go(func() error { return o.one(work, k, log, p, records) })
	}
	read := make(chan error, 1)
	go func() { read <- group.Wait(); close(records) }()
	for r := range records {
		if err := show(r); err != nil {
			return err
		}
	}
	return <-read
}

// one sends the records of a partition.
func (o tailing) one(ctx context.Context, k kafka.Options, log domain.Log, partition int32, out chan<- domain.Record) error {
	from, err := o.start(ctx, log, partition)
	if err != nil {
		return err
	}
	to, err := kafka.Follow, error(nil)
	if !o.follow {
		if to, err = log.End(ctx, partition); err != nil {
			return err
		}
	}
	for r, err := range o.ofSource(kafka.NewReader(k).Read(ctx, partition, from, to)) {
		if err != nil {
			return err
		}
		select {
		case out <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (o tailing) start(ctx context.Context, log domain.Log, partition int32) (int64, error) {
	switch o.from {
	case "beginning":
		return 0, nil
	case "now":
		return log.End(ctx, partition)
	}
	return strconv.ParseInt(o.from, 10, 64)
}

// ofSource leaves out what is not of the source that was asked for.
func (o tailing) ofSource(all iter.Seq2[domain.Record, error]) iter.Seq2[domain.Record, error] {
	if o.source == "" {
		return all
	}
	return func(yield func(domain.Record, error) bool) {
		for r, err := range all {
			var of struct {
				SourceID string `json:"source_id"`
			}
			if err == nil && (json.Unmarshal(r.Raw, &of) != nil || of.SourceID != o.source) {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
