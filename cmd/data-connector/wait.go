package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// firstLook is when a job that is waited for is looked at again; the pause grows
	// up to lookEvery, which leaves most of the requests a minute to others.
	firstLook = 200 * time.Millisecond
	lookEvery = 2 * time.Second
	// tellEvery is how often a line says how far it is, where no bar can be drawn.
	tellEvery = 5 * time.Second
)

// waitForJob shows how far a job is until it has ended. The error says why it did
// not complete.
func (c *command) waitForJob(ctx context.Context, cl *client, id string) error {
	show := c.newProgress()
	for pause := firstLook; ; pause = min(pause+firstLook, lookEvery) {
		var j jobReply
		if _, err := cl.get(ctx, jobPath(id), &j); err != nil {
			show.end("")
			return err
		}
		if j.ended() {
			show.end(fmt.Sprintf("%s: %s", j.Status, j.Stats))
			return outcome(j)
		}
		show.at(j.headway())
		select {
		case <-c.clock.After(pause):
		case <-ctx.Done():
			show.end("")
			return fmt.Errorf("no longer waiting for job %s, which goes on: %w", id, ctx.Err())
		}
	}
}

func outcome(j jobReply) error {
	if j.Status == "completed" {
		return nil
	}
	text := fmt.Sprintf("job %s %s", j.ID, j.Status)
	if j.Error != "" {
		text += ": " + j.Error
	}
	return fmt.Errorf("%s", text)
}
