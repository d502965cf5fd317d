package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func (c *command) poison() *cobra.Command {
	return group("poison", "Look at records that could not be folded, retry or skip them", c.poisonList(), c.poisonRetry(), c.poisonSkip())
}

// A poisonReply is a record that was set aside.
type poisonReply struct {
	Record, SourceID, EventID, Type, Error string

	Parks  bool
	Behind int64
	Time   time.Time
}

func (c *command) poisonList() *cobra.Command {
	var at where
	var asJSON, causes bool
	var source, after string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the records that were set aside, in the order of the log", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"sourceId": source, "after": after} {
				if value != "" {
					query.Set(name, value)
				}
			}
			if causes {
				query.Set("causes", "true")
			}
			var reply struct {
				Poison []poisonReply
				Next   string
			}
			raw, err := cl.get(cmd.Context(), "/poison?"+query.Encode(), &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "RECORD", "SOURCE", "TYPE", "PARKS", "BEHIND", "TIME", "ERROR")
			for _, p := range reply.Poison {
				t.row(p.Record, p.SourceID, p.Type, p.Parks, p.Behind, when(p.Time), p.Error)
			}
			if reply.Next != "" {
				defer c.complain("there are more: --after %s", reply.Next)
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().StringVar(&source, "source", "", "only those of the source with this id")
	cmd.Flags().BoolVar(&causes, "causes", false, "leave out what only waits behind a record that parks its source")
	cmd.Flags().StringVar(&after, "after", "", "go on behind this record")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	return cmd
}

func (c *command) poisonRetry() *cobra.Command {
	var source string
	cmd := c.mend("retry [RECORD]", "Fold a record again, or all that is set aside of one source", "/poison/retry", func(args []string) (map[string]any, error) {
		switch {
		case len(args) == 1 && source == "":
			return map[string]any{"record": args[0]}, nil
		case len(args) == 0 && source != "":
			return map[string]any{"sourceId": source}, nil
		}
		return nil, usage("give one record, as \"poison list\" shows it, or --source")
	})
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.Flags().StringVar(&source, "source", "", "all that is set aside of the source with this id")
	return cmd
}

func (c *command) poisonSkip() *cobra.Command {
	cmd := c.mend("skip RECORD", "Leave a record out for good, also when the tables are filled anew", "/poison/skip", func(args []string) (map[string]any, error) {
		return map[string]any{"record": args[0]}, nil
	})
	cmd.Args = cobra.ExactArgs(1)
	return cmd
}

// mend is a verb that posts to path what body makes of the arguments.
func (c *command) mend(use, short, path string, body func(args []string) (map[string]any, error)) *cobra.Command {
	var at where
	var asJSON bool
	cmd := &cobra.Command{
		Use: use, Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			order, err := body(args)
			if err != nil {
				return err
			}
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct{ Folded, Left int64 }
			raw, err := cl.post(cmd.Context(), path, order, &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			return tell(cmd.OutOrStdout(), fmt.Sprintf("%d records folded, %d still set aside", reply.Folded, reply.Left))
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	return cmd
}
