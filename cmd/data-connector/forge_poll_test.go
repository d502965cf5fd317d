package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// With every webhook dropped each push is in the rows after a poll, with no change
// told that was none.
func TestForgeWithoutWebhooks(t *testing.T) {
	t.Parallel()

	f := newForge(t, "POLL_INTERVAL=1s")
	f.repo.Commit("main", gittest.Put("a", "a"), gittest.Put("b", "b"))
	f.serve()
	source := f.connect(map[string]any{"indexIssues": true})
	events := follow(t, f.env, source)
	events.change(t, "sync_completed")
	for i, push := range []func(){
		func() { f.repo.Commit("main", gittest.Put("a", "edited"), gittest.Rename("b", "c")) },
		func() { f.repo.CommitFrom("main", "", nil, gittest.Put("a", "edited"), gittest.Put("d", "d")) },
	} {
		before, begun := f.truth(), time.Now()
		push()
		var told []followed
		done, _ := events.until(t, "the sync of a poll", func(e followed) bool {
			if e.Data.Hint != nil && e.Data.Hint.Origin != "poll" {
				t.Errorf("got a hint of %q", e.Data.Hint.Origin)
			}
			if e.Data.Path != "" {
				told = append(told, e)
			}
			return e.Data.Change == "sync_completed" && len(told) > 0
		})
		f.await(source, done.Position)
		t.Logf("push %d was seen and synced after %s", i, time.Since(begun).Round(time.Millisecond))
		after := f.truth()
		checkDifference(t, "push", before, after, told)
		if diff := cmp.Diff(after, f.blobs(source)); diff != "" {
			t.Errorf("rows (-git +rows):\n%s", diff)
		}
	}
	f.api.Issue(1, "One", "told by no push")
	issue, _ := events.until(t, "the issue", func(e followed) bool { return e.Data.Change == "added" && e.Data.Path != "" })
	if f.await(source, issue.Position); issue.Data.Path != "@issues/1.md" {
		t.Errorf("got %q added", issue.Data.Path)
	}
	f.server.stop(t)
}
