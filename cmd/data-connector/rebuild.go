package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/projections"
)

// errDiffer ends a comparison that found something.
var errDiffer = errors.New("the read tables are not what the log says")

func (c *command) rebuild() *cobra.Command {
	var at where
	var verify, cancel, asJSON bool
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Fill the read tables from the log anew while they serve, or compare them with it",
		Long: `Fills the read tables from the log anew, beside those that serve, and exchanges
them when they hold the same and more. Reads and commands go on. It works on the
servers, whether the service runs or not. One that was interrupted is resumed by
the next call; --cancel ends one, in whatever process it runs, and drops what it
has filled.

With --verify nothing is exchanged: all rows are compared at one position of the
log, the differences are printed, and the exit code is 1 if there are any.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if verify && cancel {
				return usage("--verify and --cancel are two orders; give one of them")
			}
			cfg, err := c.servers(at, "DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")
			if err != nil {
				return err
			}
			return c.withRebuild(cmd.Context(), cfg, func(r *projections.Rebuild) error {
				switch {
				case cancel:
					return c.cancelRebuild(cmd.Context(), r, cmd.OutOrStdout())
				case verify:
					return c.verifyTables(cmd.Context(), r, cmd.OutOrStdout(), asJSON)
				}
				return c.rebuildTables(cmd.Context(), r, cmd.OutOrStdout())
			})
		},
	}
	at.flagData(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().BoolVar(&verify, "verify", false, "compare, change nothing")
	cmd.Flags().BoolVar(&cancel, "cancel", false, "end a rebuild that runs or was interrupted")
	return cmd
}

// withRebuild calls do with a rebuild of the tables of these servers.
func (c *command) withRebuild(ctx context.Context, cfg config, do func(*projections.Rebuild) error) error {
	log := cfg.newLogger(c.err)
	db, err := postgres.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return err
	}
	defer db.Close()
	o, err := cfg.kafkaOptions(log)
	if err != nil {
		return err
	}
	return do(&projections.Rebuild{DB: db, Log: kafka.NewReader(o), Clock: c.clock, Logger: log, Point: c.hooks.point, Program: programID()})
}

func (c *command) cancelRebuild(ctx context.Context, r *projections.Rebuild, out io.Writer) error {
	was, err := projections.CancelRebuild(ctx, r.DB, r.Logger)
	if err != nil {
		return err
	}
	if !was {
		return tell(out, "there is no rebuild")
	}
	return tell(out, "the rebuild is cancelled, what it had filled is dropped")
}

func (c *command) rebuildTables(ctx context.Context, r *projections.Rebuild, out io.Writer) error {
	show, last := c.newProgress(), projections.Progress{}
	r.Observe = func(p projections.Progress) {
		last = p
		show.at(rebuildHeadway(p))
	}
	begun := c.clock.Now()
	err := r.Run(ctx)
	show.end("")
	if err != nil {
		return resumable(err)
	}
	return tell(out, fmt.Sprintf("the read tables are exchanged: %d records in %s", last.Done, c.clock.Now().Sub(begun).Round(time.Millisecond)))
}

func (c *command) verifyTables(ctx context.Context, r *projections.Rebuild, out io.Writer, asJSON bool) error {
	show := c.newProgress()
	r.Observe = func(p projections.Progress) { show.at(rebuildHeadway(p)) }
	found, err := r.Verify(ctx)
	show.end("")
	if err != nil {
		return resumable(err)
	}
	if asJSON {
		err = printJSON(out, verifyReply(found))
	} else {
		err = printVerified(out, found)
	}
	if err == nil && found.Differ() > 0 {
		err = fmt.Errorf("%w: %d rows differ", errDiffer, found.Differ())
	}
	return err
}

// resumable says of an interruption what it left behind.
func resumable(err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w; the next call goes on with it, --cancel drops it", err)
	}
	return err
}

// rebuildHeadway is how far a rebuild is.
func rebuildHeadway(p projections.Progress) headway {
	s := headway{state: strings.ReplaceAll(p.Phase, "_", " "), done: p.Done, total: p.Goal, unit: "records"}
	s.more = fmt.Sprintf(": %d of %d records, %.0f a second", p.Done, p.Goal, p.PerSecond)
	if p.Left >= 0 {
		s.more += ", " + p.Left.Round(time.Second).String() + " left"
	}
	return s
}

// A verifiedReply is the JSON form of what a comparison found.
type verifiedReply struct {
	Tables []comparedReply   `json:"tables"`
	First  []differenceReply `json:"first"`
}

type comparedReply struct {
	Table   string `json:"table"`
	Live    int64  `json:"live"`
	Rebuilt int64  `json:"rebuilt"`
	Differ  int64  `json:"differ"`
}

type differenceReply struct {
	Table   string         `json:"table"`
	Key     string         `json:"key"`
	Live    map[string]any `json:"live"` // null: no such row
	Rebuilt map[string]any `json:"rebuilt"`
}

func verifyReply(v projections.Verified) verifiedReply {
	reply := verifiedReply{Tables: []comparedReply{}, First: []differenceReply{}}
	for _, t := range v.Tables {
		reply.Tables = append(reply.Tables, comparedReply(t))
	}
	for _, d := range v.First {
		reply.First = append(reply.First, differenceReply(d))
	}
	return reply
}

func printVerified(out io.Writer, v projections.Verified) error {
	t := newTable(out, "TABLE", "LIVE", "REBUILT", "DIFFER")
	for _, c := range v.Tables {
		t.row(c.Table, c.Live, c.Rebuilt, c.Differ)
	}
	if err := t.flush(); err != nil || len(v.First) == 0 {
		return err
	}
	d := newTable(out, "TABLE", "ROW", "LIVE", "REBUILT")
	for _, one := range v.First {
		d.row(one.Table, one.Key, columnsText(one.Live), columnsText(one.Rebuilt))
	}
	return d.flush()
}

// columnsText are the columns of a row that differ, for people.
func columnsText(columns map[string]any) string {
	if columns == nil {
		return "no such row"
	}
	raw, err := json.Marshal(columns)
	if err != nil {
		return err.Error()
	}
	const most = 300 // characters
	return string(raw[:min(len(raw), most)])
}
