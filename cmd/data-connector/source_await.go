package main

import (
	"context"
	"fmt"
	"net/url"
)

// A syncAwaited is the sync that a changed scope leads to. The answer to the change
// cannot name its job: the scheduler opens it once it has seen the change.
type syncAwaited struct {
	source string
	before jobReply // the newest job before the change; zero when there was none
}

// newestJob is the newest job of a source, zero when there is none.
func (c *command) newestJob(ctx context.Context, cl *client, source string) (jobReply, error) {
	var reply struct{ Jobs []jobReply }
	_, err := cl.get(ctx, "/jobs?limit=1&sourceId="+url.QueryEscape(source), &reply)
	if err != nil || len(reply.Jobs) == 0 {
		return jobReply{}, err
	}
	return reply.Jobs[0], nil
}

// awaitSync waits until no change of a asks for a sync any more, and then for the
// job that began it. A change that asks for none is not waited for.
func (c *command) awaitSync(ctx context.Context, cl *client, a syncAwaited) error {
	seen := false
	for pause := firstLook; ; pause = min(pause+firstLook, lookEvery) {
		var now sourceReply
		if _, err := cl.get(ctx, sourcePath(a.source), &now); err != nil {
			return err
		}
		if !now.SyncDue {
			break
		}
		if now.Paused || now.Status == "disconnected" {
			return fmt.Errorf("source %s is changed, but no sync begins while it is paused or disconnected", a.source)
		}
		seen = true
		select {
		case <-c.clock.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("no longer waiting for the sync of source %s, which begins all the same: %w", a.source, ctx.Err())
		}
	}
	job, err := c.newestJob(ctx, cl, a.source)
	if err != nil || job.ID == "" || !seen && job.ID == a.before.ID && a.before.ended() {
		return err
	}
	return c.waitForJob(ctx, cl, job.ID)
}
