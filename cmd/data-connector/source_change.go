package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// A changeReply is a source after an order, with the job that does it.
type changeReply struct {
	sourceReply
	Job *jobReply
}

// An ordering is how a verb that changes a source is called.
type ordering struct {
	at           where
	asJSON, wait bool
}

func (o *ordering) flags(cmd *cobra.Command) {
	o.at.flagURL(cmd)
	flagJSON(cmd, &o.asJSON)
	flagWait(cmd, &o.wait)
}

// sourceOrder is a verb that posts to a path below the source; done says in words
// what came of it.
func (c *command) sourceOrder(use, short, path, done string) *cobra.Command {
	var o ordering
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client(o.at)
			if err != nil {
				return err
			}
			var reply changeReply
			raw, err := cl.post(cmd.Context(), sourcePath(args[0])+path, nil, &reply)
			if err != nil {
				return err
			}
			return c.tellChange(cmd, cl, o, change{raw, reply, fmt.Sprintf(done, args[0])})
		},
	}
	o.flags(cmd)
	return cmd
}

func (c *command) sourcePause() *cobra.Command {
	return c.sourceOrder("pause ID", "Let no sync begin until the source is resumed", "/pause", "source %s is paused")
}

func (c *command) sourceResume() *cobra.Command {
	return c.sourceOrder("resume ID", "End a pause", "/resume", "source %s is no longer paused")
}

func (c *command) sourceRelease() *cobra.Command {
	return c.sourceOrder("release ID", "Release held deletes: what a fresh listing still misses is removed", "/deletes/release", "deletes of source %s are released")
}

func (c *command) sourceUpdate() *cobra.Command {
	var o ordering
	var name string
	cmd := &cobra.Command{
		Use:   "update ID [key=value...]",
		Short: "Change the options or the name of a source",
		Long: `Changes the options or the name of a source. The options replace all old ones, so
give those that shall stay too; they must name the same thing at the provider. What
they leave out from now on is removed, however much that is.`,
		Example: `  data-connector source update 0198... rootPath=/srv/docs 'includePaths=["**/*.md"]' --wait
  data-connector source update 0198... --name Docs`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := changed(name, args[1:])
			if err != nil {
				return err
			}
			return c.updateSource(cmd, o, args[0], body)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&name, "name", "", "name for people")
	return cmd
}

// updateSource sends a change, and waits for the sync that it leads to.
func (c *command) updateSource(cmd *cobra.Command, o ordering, id string, body map[string]any) error {
	cl, err := c.client(o.at)
	if err != nil {
		return err
	}
	awaited := syncAwaited{source: id}
	if o.wait {
		if awaited.before, err = c.newestJob(cmd.Context(), cl, id); err != nil {
			return err
		}
	}
	var reply changeReply
	raw, err := cl.patch(cmd.Context(), sourcePath(id), body, &reply)
	if err != nil {
		return err
	}
	if o.wait && reply.Job == nil {
		if err := c.awaitSync(cmd.Context(), cl, awaited); err != nil {
			return err
		}
	}
	return c.tellChange(cmd, cl, o, change{raw, reply, fmt.Sprintf("source %s is changed", id)})
}

func changed(name string, pairs []string) (map[string]any, error) {
	body := map[string]any{}
	if name != "" {
		body["name"] = name
	}
	if len(pairs) > 0 {
		config, err := options(pairs)
		if err != nil {
			return nil, err
		}
		body["config"] = config
	}
	if len(body) == 0 {
		return nil, usage("nothing to change; give options or --name")
	}
	return body, nil
}

// A change is what came of an order.
type change struct {
	raw   json.RawMessage
	reply changeReply
	text  string
}

// tellChange waits for the job, if there is one and that was asked for, and prints
// what came of the order.
func (c *command) tellChange(cmd *cobra.Command, cl *client, o ordering, ch change) error {
	if job := ch.reply.Job; job != nil {
		ch.text += fmt.Sprintf(", job %s syncs it", job.ID)
		if o.wait {
			if err := c.waitForJob(cmd.Context(), cl, job.ID); err != nil {
				return err
			}
		}
	}
	if o.asJSON {
		return printJSON(cmd.OutOrStdout(), ch.raw)
	}
	return tell(cmd.OutOrStdout(), ch.text)
}

func tell(w io.Writer, text string) error {
	_, err := fmt.Fprintln(w, oneLine(text))
	return err
}
