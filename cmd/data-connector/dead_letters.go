package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func (c *command) deadLetters() *cobra.Command {
	return group("dead-letters", "Look at what a neighbour refused for good, retry or discard it",
		c.letterList(), c.letterShow(),
		c.letterSettle("retry [ID]", "Hand dead letters on again", "/dead-letters/retry"),
		c.letterSettle("discard [ID]", "Leave dead letters be", "/dead-letters/discard"))
}

// A letterReply is a dead letter.
type letterReply struct {
	ID, SourceID, Path, Error string

	Attempts int
	FailedAt time.Time
}

func (c *command) letterList() *cobra.Command {
	var at where
	var asJSON bool
	var stage, source, replay, after string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List what a neighbour refused for good", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"stage": stage, "sourceId": source, "replay": replay, "after": after} {
				if value != "" {
					query.Set(name, value)
				}
			}
			var reply struct {
				DeadLetters []letterReply
				Next        string
			}
			raw, err := cl.get(cmd.Context(), "/dead-letters?"+query.Encode(), &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "ID", "SOURCE", "PATH", "ATTEMPTS", "FAILED AT", "ERROR")
			for _, l := range reply.DeadLetters {
				t.row(l.ID, l.SourceID, l.Path, l.Attempts, when(l.FailedAt), l.Error)
			}
			if reply.Next != "" {
				defer c.complain("there are more: --after %s", reply.Next)
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().StringVar(&stage, "stage", "", "only those of this stage")
	cmd.Flags().StringVar(&source, "source", "", "only those of the source with this id")
	cmd.Flags().StringVar(&replay, "replay", "", "only those that failed in this replay")
	cmd.Flags().StringVar(&after, "after", "", "go on behind this one")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	return cmd
}

func (c *command) letterShow() *cobra.Command {
	var at where
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one with the event that was refused, as JSON", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct{}
			raw, err := cl.get(cmd.Context(), "/dead-letters/"+args[0], &reply)
			if err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), raw)
		},
	}
	at.flagURL(cmd)
	return cmd
}

// letterSettle is a verb that posts a selection of letters to path.
func (c *command) letterSettle(use, short, path string) *cobra.Command {
	var at where
	var asJSON, all bool
	var stage, source, replay string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			order := map[string]any{}
			if len(args) == 1 {
				order["id"] = args[0]
			}
			if stage != "" {
				order["stage"] = stage
			}
			if source != "" {
				order["sourceId"] = source
			}
			if replay != "" {
				order["replay"] = replay
			}
			if all {
				order["all"] = true
			}
			if len(order) == 0 {
				return usage("give an id, as \"dead-letters list\" shows it, --stage, --source, --replay or --all")
			}
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct{ Retried, Gone, Discarded int64 }
			raw, err := cl.post(cmd.Context(), path, order, &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			text := fmt.Sprintf("%d dead letters settled", reply.Retried+reply.Discarded)
			if reply.Gone > 0 {
				text += fmt.Sprintf("; of %d the log no longer holds the event", reply.Gone)
			}
			return tell(cmd.OutOrStdout(), text)
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().StringVar(&stage, "stage", "", "those of this stage")
	cmd.Flags().StringVar(&source, "source", "", "those of the source with this id")
	cmd.Flags().StringVar(&replay, "replay", "", "those that failed in this replay")
	cmd.Flags().BoolVar(&all, "all", false, "all of them")
	return cmd
}
