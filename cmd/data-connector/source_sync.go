package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (c *command) sourceSync() *cobra.Command {
	var at where
	var asJSON, wait, full bool
	cmd := &cobra.Command{
		Use: "sync ID", Short: "Sync a source now", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			kind := "incremental"
			if full {
				kind = "full"
			}
			var reply syncReply
			raw, err := cl.post(cmd.Context(), sourcePath(args[0])+"/sync", map[string]any{"type": kind}, &reply)
			if err != nil {
				return err
			}
			if wait {
				if err := c.waitForJob(cmd.Context(), cl, reply.JobID); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "job %s syncs source %s\n", reply.JobID, args[0])
			return err
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	flagWait(cmd, &wait)
	cmd.Flags().BoolVar(&full, "full", false, "trust no cache: look at everything again")
	return cmd
}
