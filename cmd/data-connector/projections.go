package main

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/projections"
)

// A projectionReply says how far a partition is folded.
type projectionReply struct {
	Topic, State             string
	Partition                int32
	Position, Poison, Parked int64
	End, Lag                 *int64 // nil: not known
	RecordsPerSecond         float64
	UpdatedAt                time.Time
}

// A rebuildState says how far a rebuild is.
type rebuildState struct {
	Phase            string
	Running          bool
	Done, Total      int64
	RecordsPerSecond float64
	SecondsLeft      *float64 // nil: not known
}

func (r *rebuildState) String() string {
	p := projections.Progress{Phase: r.Phase, Done: r.Done, Goal: r.Total, PerSecond: r.RecordsPerSecond, Left: -1}
	if r.SecondsLeft != nil {
		p.Left = time.Duration(*r.SecondsLeft * float64(time.Second))
	}
	s := rebuildHeadway(p)
	if !r.Running {
		return "a rebuild was interrupted while " + s.state + s.more
	}
	return "a rebuild is " + s.state + s.more
}

func (c *command) projections() *cobra.Command {
	var at where
	var asJSON bool
	cmd := &cobra.Command{
		Use: "projections", Short: "Tell how far the read tables of a running service have come", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct {
				Projections []projectionReply
				Rebuild     *rebuildState
			}
			raw, err := cl.get(cmd.Context(), "/projections", &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "TOPIC", "PARTITION", "STATE", "POSITION", "LAG", "A SECOND", "POISON", "PARKED", "FOLDED AT")
			for _, p := range reply.Projections {
				t.row(p.Topic, p.Partition, p.State, p.Position, number(p.Lag), strconv.FormatFloat(p.RecordsPerSecond, 'f', 1, 64), p.Poison, p.Parked, when(p.UpdatedAt))
			}
			if reply.Rebuild != nil {
				defer c.complain("%s", reply.Rebuild)
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	return cmd
}

// number is n for people; "-" where it is not known.
func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}
