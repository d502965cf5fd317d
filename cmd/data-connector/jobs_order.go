package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

func (c *command) jobsCancel() *cobra.Command {
	var at where
	var asJSON bool
	cmd := &cobra.Command{
		Use: "cancel ID", Short: "End a job that waits or runs, at once; what it has found stays", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var j jobReply
			raw, err := cl.post(cmd.Context(), jobPath(args[0])+"/cancel", nil, &j)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			return tell(cmd.OutOrStdout(), fmt.Sprintf("job %s is %s", j.ID, j.Status))
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	return cmd
}

func (c *command) jobsRetry() *cobra.Command {
	var o ordering
	cmd := &cobra.Command{
		Use: "retry ID", Short: "Try a job again that waits for its next attempt, has failed or was cancelled", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(o.at)
			if err != nil {
				return err
			}
			var j jobReply
			raw, err := cl.post(cmd.Context(), jobPath(args[0])+"/retry", nil, &j)
			if err != nil {
				return err
			}
			if o.wait {
				if err := c.waitForJob(cmd.Context(), cl, j.ID); err != nil {
					return err
				}
			}
			if o.asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			return tell(cmd.OutOrStdout(), fmt.Sprintf("job %s does it", j.ID))
		},
	}
	o.flags(cmd)
	return cmd
}

func jobPath(id string) string { return "/jobs/" + url.PathEscape(id) }
