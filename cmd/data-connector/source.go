package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func (c *command) source() *cobra.Command {
	return group("source", "Connect, list, sync, change and remove sources of a running service",
		c.sourceAdd(), c.sourceList(), c.sourceShow(), c.sourceSync(), c.sourceUpdate(),
		c.sourcePause(), c.sourceResume(), c.sourceRelease(), c.sourceRemove())
}

func (c *command) sourceList() *cobra.Command {
	var at where
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the sources", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct {
				Sources []sourceReply
				Total   int64
			}
			raw, err := cl.get(cmd.Context(), "/sources?limit="+strconv.Itoa(limit), &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "ID", "TYPE", "NAME", "STATUS", "FILES", "BYTES", "LAST SYNC")
			for _, s := range reply.Sources {
				t.row(s.ID, s.Type, s.Name, s.Status, s.Stats.Files, s.Stats.TotalSize, when(s.LastSyncAt))
			}
			if more := reply.Total - int64(len(reply.Sources)); more > 0 {
				defer c.complain("%d more; raise --limit", more)
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	return cmd
}

func (c *command) sourceShow() *cobra.Command {
	var at where
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a source", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var s sourceReply
			raw, err := cl.get(cmd.Context(), sourcePath(args[0]), &s)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "id", s.ID)
			t.row("type", s.Type)
			t.row("name", s.Name)
			t.row("url", s.Metadata.URL)
			if o := s.Object; o != nil {
				t.row("at the provider", strings.Join(strings.Fields(o.Name+" "+o.Visibility+" "+map[bool]string{true: "archived"}[o.Archived]), ", "))
			}
			t.row("status", s.Status)
			t.row("paused", s.Paused)
			if s.HeldDeletes != nil {
				t.row("held deletes", fmt.Sprintf("%d files; to remove them: data-connector source release %s", s.HeldDeletes.Count, s.ID))
			}
			t.row("files", s.Stats.Files)
			t.row("bytes", s.Stats.TotalSize)
			t.row("created", when(s.CreatedAt))
			t.row("last sync", when(s.LastSyncAt))
			if s.LastError != nil {
				t.row("last error", s.LastError.Code+": "+s.LastError.Message)
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	return cmd
}

func (c *command) sourceRemove() *cobra.Command {
	var at where
	var asJSON, wait bool
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Remove a source; the provider is not touched", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct {
				JobID        string
				FilesRemoved int64
			}
			raw, err := cl.delete(cmd.Context(), sourcePath(args[0]), &reply)
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
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "source %s with %d files is being removed by job %s\n", args[0], reply.FilesRemoved, reply.JobID)
			return err
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	flagWait(cmd, &wait)
	return cmd
}

func sourcePath(id string) string { return "/sources/" + url.PathEscape(id) }

func flagWait(cmd *cobra.Command, wait *bool) {
	cmd.Flags().BoolVar(wait, "wait", false, "wait until the job has ended, and show how far it is")
}
