package main

import (
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

func (c *command) jobs() *cobra.Command {
	return group("jobs", "Look at the jobs of a running service, cancel or retry them", c.jobsList(), c.jobsShow(), c.jobsCancel(), c.jobsRetry())
}

func (c *command) jobsList() *cobra.Command {
	var at where
	var asJSON bool
	var source, status string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the jobs, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"sourceId": source, "status": status} {
				if value != "" {
					query.Set(name, value)
				}
			}
			var reply struct{ Jobs []jobReply }
			raw, err := cl.get(cmd.Context(), "/jobs?"+query.Encode(), &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "ID", "SOURCE", "TYPE", "STATUS", "PROGRESS", "FILES", "ERRORS", "QUEUED", "ENDED")
			for _, j := range reply.Jobs {
				t.row(j.ID, j.SourceID, j.Type, j.Status, j.percent(), j.Stats.FilesProcessed, j.Stats.Errors, when(j.QueuedAt), when(j.CompletedAt))
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().StringVar(&source, "source", "", "only those of the source with this id")
	cmd.Flags().StringVar(&status, "status", "", "only these: queued, running, completed, failed, cancelled")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	return cmd
}

func (c *command) jobsShow() *cobra.Command {
	var at where
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a job", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var j jobReply
			raw, err := cl.get(cmd.Context(), jobPath(args[0]), &j)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "id", j.ID)
			t.row("source", j.SourceID)
			t.row("type", j.Type)
			t.row("trigger", j.Trigger)
			t.row("status", j.Status)
			t.row("progress", j.percent())
			t.row("counts", j.Stats)
			t.row("queued", when(j.QueuedAt))
			t.row("started", when(j.StartedAt))
			t.row("ended", when(j.CompletedAt))
			t.row("next attempt", when(j.RetryAt))
			t.row("error", j.Error)
			for _, f := range j.Failures {
				t.row("failure", f.Path+": "+f.Reason)
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	return cmd
}
