package bitbucket_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// cloudEvents are the events of Cloud's files, whose names are not the events'.
var cloudEvents = map[string]string{
	"commit-comment-created": "repo:commit_comment_created", "issue-comment-created": "issue:comment_created", "issue-created": "issue:created",
	"issue-updated": "issue:updated", "pull-request-approval-removed": "pullrequest:unapproved", "pull-request-approved": "pullrequest:approved",
	"pull-request-comment-created": "pullrequest:comment_created", "pull-request-comment-deleted": "pullrequest:comment_deleted",
	"pull-request-comment-updated": "pullrequest:comment_updated", "pull-request-created": "pullrequest:created", "pull-request-declined": "pullrequest:rejected",
	"pull-request-merged": "pullrequest:fulfilled", "pull-request-updated": "pullrequest:updated", "repo-commit-status-created": "repo:commit_status_created",
	"repo-commit-status-updated": "repo:commit_status_updated", "repo-fork": "repo:fork", "repo-push": "repo:push", "repo-updated": "repo:updated",
}

// TestCorpus: every recorded delivery is a notice of its repository, or is ignored
// with a reason.
func TestCorpus(t *testing.T) {
	t.Parallel()

	dir := forgetest.Module(t, forgetest.Deliveries)
	c := newConnector(t, connectortest.NewClock(noon))
	for folder, want := range map[string]struct {
		files, notices int
		key            string
	}{
		"bitbucket":        {18, 11, "bitbucket.org/{673a6070-3421-46c9-9d48-90745f7bfe8e}"},
		"bitbucket-server": {18, 14, "server.bitbucket.local/4"},
	} {
		found, err := filepath.Glob(filepath.Join(dir, "testdata", folder, "*.json"))
		if err != nil || len(found) != want.files {
			t.Fatalf("%s: got %d files, %v, want %d", folder, len(found), err, want.files)
		}
		notices := 0
		for _, path := range found {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(filepath.Base(path), ".json")
			d, err := c.Parse(delivered(eventOf(t, name, body)), body)
			if err != nil || (len(d.Notices) == 0) == (d.Ignored == "") {
				t.Errorf("%s/%s: got %+v, %v, want notices or a reason", folder, name, d, err)
			}
			for _, n := range d.Notices {
				key := strings.Replace(n.ExternalKey, "bibucket", "bitbucket", 1) // pr-modified is recorded so
				if notices++; key != want.key {
					t.Errorf("%s/%s: got a notice of %q, want %q", folder, name, n.ExternalKey, want.key)
				}
			}
		}
		if notices != want.notices {
			t.Errorf("%s: got %d notices, want %d", folder, notices, want.notices)
		}
	}
}

// eventOf is the event of a file: Data Center writes it into the body.
func eventOf(t *testing.T, name string, body []byte) string {
	t.Helper()
	var own struct {
		EventKey string `json:"eventKey"`
	}
	if err := json.Unmarshal(body, &own); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	event := own.EventKey
	if event == "" {
		event = cloudEvents[name]
	}
	if event == "" {
		t.Fatalf("%s: whose event is it?", name)
	}
	return event
}
