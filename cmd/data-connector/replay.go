package main

import (
	"context"
	"fmt"
	"net/url"
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
