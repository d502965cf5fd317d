package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func (c *command) replay() *cobra.Command {
	return group("replay", "Hand out again what is on the log, for reindexing", c.replayStart(), c.replayList(), c.replayShow(),
		c.replayChange("pause", "Stop handing out, until it is resumed"),
		c.replayChange("resume", "Go on with one that was paused"),
		c.replayChange("cancel", "End one; what stages have not begun of it, they skip"))
}

// A replayReply is a replay.
type replayReply struct {
	ID, Status, Mode, Topic, Error string

	Stages               []string
	DryRun               bool
	Progress             float64
	Matched, Sent, Bytes int64
	ContentGone          int64
	PerSecond            float64
	DurationSeconds      float64
	SecondsLeft          float64
	CreatedAt, EndedAt   time.Time
	Sources              []struct {
		SourceID      string
		Events, Bytes int64
	}
	Samples []struct {
		SourceID, FileID, Path, Change string
		Run, Seq                       int64
	}
	Outcomes []struct {
		Stage, State, Reason string
		Files                int64
	}
}

func (r replayReply) ended() bool { return r.Status != "running" }

// String says what was handed out.
func (r replayReply) String() string {
	text := fmt.Sprintf("%d events of %d bytes", r.Matched, r.Bytes)
	if r.ContentGone > 0 {
		text += fmt.Sprintf(", %d without their content, which was collected", r.ContentGone)
	}
	return text
}

// headway is how far a replay is, in thousandths of the log.
func (r replayReply) headway() headway {
	h := headway{state: r.Status, done: r.Matched, unit: "events"}
	if r.Progress > 0 && r.Matched > 0 {
		h.total = max(r.Matched, int64(float64(r.Matched)/r.Progress))
	}
	h.more = fmt.Sprintf(": %.0f %%, %s, %.0f/s", 100*r.Progress, r, r.PerSecond)
	if r.Error != "" {
		h.more += ", waits: " + oneLine(r.Error)
	}
	return h
}

// A replayOrder is what "replay start" is given.
type replayOrder struct {
	sources, kinds, languages, stages []string
	glob, since, from, to             string
	mode, topic                       string
	rate                              int
	dry                               bool
}

func (o *replayOrder) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.sources, "source", nil, "only of the source with this id; may be given more than once")
	f.StringVar(&o.glob, "glob", "", "only of paths like this: docs/**/*.md")
	f.StringSliceVar(&o.kinds, "kind", nil, "only of this kind: file, document, issue, ...")
	f.StringSliceVar(&o.languages, "language", nil, "only of this language")
	f.StringVar(&o.since, "changed-since", "", "only what happened at this time (RFC 3339) or later")
	f.StringVar(&o.from, "from", "", "only what came to stand on the log at this time or later")
	f.StringVar(&o.to, "to", "", "only what came to stand on the log before this time")
	f.StringVar(&o.mode, "mode", "latest", "latest: the last state of each live file; history: all states")
	f.StringSliceVar(&o.stages, "stage", nil, "stages that get it; unset: all")
	f.StringVar(&o.topic, "topic", "", "instead of stages: a Kafka topic")
	f.IntVar(&o.rate, "rate", 0, "events in a second at most; 0: no limit")
	f.BoolVar(&o.dry, "dry-run", false, "only count")
}

func (o *replayOrder) body() map[string]any {
	selector := map[string]any{}
	for name, list := range map[string][]string{"sources": o.sources, "kinds": o.kinds, "languages": o.languages} {
		if len(list) > 0 {
			selector[name] = list
		}
	}
	for name, text := range map[string]string{"pathGlob": o.glob, "changedSince": o.since, "from": o.from, "to": o.to} {
		if text != "" {
			selector[name] = text
		}
	}
	body := map[string]any{"selector": selector, "mode": o.mode, "ratePerSecond": o.rate, "dryRun": o.dry}
	if len(o.stages) > 0 {
		body["stages"] = o.stages
	}
	if o.topic != "" {
		body["topic"] = o.topic
	}
	return body
}

func (c *command) replayStart() *cobra.Command {
	var at where
	var asJSON, wait bool
	var o replayOrder
	cmd := &cobra.Command{
		Use: "start", Short: "Start a replay", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var r replayReply
			raw, err := cl.post(cmd.Context(), "/replays", o.body(), &r)
			if err != nil {
				return err
			}
			if wait || o.dry {
				if raw, r, err = c.waitForReplay(cmd.Context(), cl, r.ID); err != nil {
					return err
				}
			}
			switch {
			case asJSON:
				return printJSON(cmd.OutOrStdout(), raw)
			case o.dry:
				return printDry(cmd, r)
			default:
				return tell(cmd.OutOrStdout(), fmt.Sprintf("replay %s is %s", r.ID, r.Status))
			}
		},
	}
	at.flagURL(cmd)
	flagJSON(cmd, &asJSON)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it has ended")
	o.flags(cmd)
	return cmd
}

func printDry(cmd *cobra.Command, r replayReply) error {
	t := newTable(cmd.OutOrStdout(), "SOURCE", "EVENTS", "BYTES")
	for _, s := range r.Sources {
		t.row(s.SourceID, s.Events, s.Bytes)
	}
	t.row("all", r.Matched, r.Bytes)
	if err := t.flush(); err != nil {
		return err
	}
	for _, s := range r.Samples {
		if err := tell(cmd.OutOrStdout(), fmt.Sprintf("for example %s %s (%d, %d)", s.Change, s.Path, s.Run, s.Seq)); err != nil {
			return err
		}
	}
	return tell(cmd.OutOrStdout(), fmt.Sprintf("%s; handing them out takes at least %s", r, time.Duration(r.DurationSeconds*float64(time.Second)).Round(time.Millisecond)))
}

// waitForReplay shows how far a replay is until it has ended or is paused. The
// error says why it did not complete.
func (c *command) waitForReplay(ctx context.Context, cl *client, id string) ([]byte, replayReply, error) {
	show := c.newProgress()
	for pause := firstLook; ; pause = min(pause+firstLook, lookEvery) {
		var r replayReply
		raw, err := cl.get(ctx, replayPath(id), &r)
		if err != nil {
			show.end("")
			return nil, r, err
		}
		if r.ended() {
			show.end(fmt.Sprintf("%s: %s", r.Status, r))
			if r.Status != "completed" {
				err = fmt.Errorf("replay %s is %s: %s", r.ID, r.Status, oneLine(r.Error))
			}
			return raw, r, err
		}
		show.at(r.headway())
		select {
		case <-c.clock.After(pause):
		case <-ctx.Done():
			show.end("")
			return nil, r, fmt.Errorf("no longer waiting for replay %s, which goes on: %w", id, ctx.Err())
		}
	}
}

func replayPath(id string) string { return "/replays/" + url.PathEscape(id) }

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
