package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func (c *command) replayList() *cobra.Command {
	var at where
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List replays, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct{ Replays []replayReply }
			raw, err := cl.get(cmd.Context(), "/replays?limit="+strconv.Itoa(limit), &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "ID", "STATUS", "MODE", "PROGRESS", "EVENTS", "BYTES", "PER SECOND", "CREATED", "ENDED")
			for _, r := range reply.Replays {
				t.row(r.ID, r.Status, r.Mode, percent(r.Progress), r.Matched, r.Bytes, int64(r.PerSecond), when(r.CreatedAt), when(r.EndedAt))
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	return cmd
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

func (c *command) replayShow() *cobra.Command {
	var at where
	var asJSON, wait bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show how far a replay is", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			if wait {
				if _, _, err := c.waitForReplay(cmd.Context(), cl, args[0]); err != nil {
					return err
				}
			}
			var r replayReply
			raw, err := cl.get(cmd.Context(), replayPath(args[0]), &r)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "id", r.ID)
			t.row("status", r.Status)
			t.row("mode", r.Mode)
			t.row("progress", percent(r.Progress))
			t.row("selected", r)
			t.row("handed out", r.Sent)
			t.row("created", when(r.CreatedAt))
			t.row("ended", when(r.EndedAt))
			t.row("error", r.Error)
			for _, o := range r.Outcomes {
				t.row(o.Stage, fmt.Sprintf("%d %s %s", o.Files, o.State, o.Reason))
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it has ended")
	return cmd
}

// replayChange is a verb that posts to a replay.
func (c *command) replayChange(verb, short string) *cobra.Command {
	var at where
	var asJSON bool
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var r replayReply
			raw, err := cl.post(cmd.Context(), replayPath(args[0])+"/"+verb, nil, &r)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			return tell(cmd.OutOrStdout(), fmt.Sprintf("replay %s is %s", r.ID, r.Status))
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	return cmd
}
