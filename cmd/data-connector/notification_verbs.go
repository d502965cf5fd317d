package main

import (
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (c *command) notificationVerbs() *cobra.Command {
	return group("notifications", "Have people told what is wrong with their sources",
		c.notificationList(), c.notificationAdd(), c.notificationRemove(), c.notificationTest())
}

// A ruleReply is a notification rule.
type ruleReply struct {
	ID, Name, SourceID, Kind, Failure string

	Conditions []string
	SentAt     time.Time
}

func (c *command) notificationList() *cobra.Command {
	var at where
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List who is told what", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct{ Notifications []ruleReply }
			raw, err := cl.get(cmd.Context(), "/notifications", &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			t := newTable(cmd.OutOrStdout(), "ID", "NAME", "KIND", "SOURCE", "CONDITIONS", "LAST SENT", "FAILURE")
			for _, r := range reply.Notifications {
				t.row(r.ID, r.Name, r.Kind, orAll(r.SourceID), orAll(strings.Join(r.Conditions, ",")), when(r.SentAt), r.Failure)
			}
			return t.flush()
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	return cmd
}

func orAll(s string) string {
	if s == "" {
		return "all"
	}
	return s
}

func (c *command) notificationAdd() *cobra.Command {
	var at where
	var asJSON bool
	var name, secretFrom, source string
	var conditions []string
	var threshold int64
	cmd := &cobra.Command{
		Use: "add ADDRESS", Short: "Have an address told: slack://..., smtp://..., or https://... for signed webhooks", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			order := map[string]any{"url": args[0], "kind": "service", "threshold": threshold}
			if strings.HasPrefix(args[0], "https://") || strings.HasPrefix(args[0], "http://") {
				order["kind"] = "webhook"
			}
			secret := ""
			if secretFrom != "" { // not as an argument, which anybody on the machine can read
				b, err := os.ReadFile(secretFrom)
				if err != nil {
					return usage("--secret-file: %v", err)
				}
				secret = strings.TrimSpace(string(b))
			}
			for field, value := range map[string]string{"name": name, "secret": secret, "sourceId": source} {
				if value != "" {
					order[field] = value
				}
			}
			if len(conditions) > 0 {
				order["conditions"] = conditions
			}
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply ruleReply
			raw, err := cl.post(cmd.Context(), "/notifications", order, &reply)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			return tell(cmd.OutOrStdout(), "rule "+reply.ID+" is made; notifications test "+reply.ID+" tries it")
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().StringVar(&name, "name", "", "a name for people")
	cmd.Flags().StringVar(&secretFrom, "secret-file", "", "file with what webhooks are signed with: whsec_ and the base64 of 24 to 64 bytes")
	cmd.Flags().StringVar(&source, "source", "", "only about the source with this id")
	cmd.Flags().StringSliceVar(&conditions, "on", nil, "only these conditions: job_failed, credential_expired, gone, deletes_held, parked, dead_letters")
	cmd.Flags().Int64Var(&threshold, "threshold", 0, "dead letters of a source that are not yet worth a message")
	return cmd
}

func (c *command) notificationRemove() *cobra.Command {
	var at where
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Have them told no more", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			if _, err := cl.delete(cmd.Context(), "/notifications/"+args[0], &ruleReply{}); err != nil {
				return err
			}
			return tell(cmd.OutOrStdout(), "rule "+args[0]+" is removed")
		},
	}
	at.flagURL(cmd)
	return cmd
}

func (c *command) notificationTest() *cobra.Command {
	var at where
	cmd := &cobra.Command{
		Use: "test ID", Short: "Send a test message", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			if _, err := cl.post(cmd.Context(), "/notifications/"+args[0]+"/test", map[string]any{}, &ruleReply{}); err != nil {
				return err
			}
			return tell(cmd.OutOrStdout(), "the target took the message")
		},
	}
	at.flagURL(cmd)
	return cmd
}
