package github_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/domain"
)

// corpus is the package of recorded deliveries (MIT licence). It is fetched once
// into a cache of the user and not kept here: it is 18 MB.
const corpus = "@octokit/webhooks-examples@7.6.1"

// TestCorpus: every delivery that GitHub documents is a notice of its repository,
// or is ignored with a reason.
func TestCorpus(t *testing.T) {
	t.Parallel()

	c, files, notices, installed := newConnector(t, connectortest.NewClock(noon), nil), 0, 0, false
	for name, text := range forgetest.NPM(t, corpus, "index.json") {
		var events []struct {
			Name     string            `json:"name"`
			Examples []json.RawMessage `json:"examples"`
		}
		if err := json.Unmarshal(text, &events); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, e := range events {
			for i, body := range e.Examples {
				files++
				d, err := c.Parse(delivered(e.Name), body)
				if err != nil || len(d.Notices) == 0 && d.Ignored == "" || len(d.Notices) > 0 && d.Ignored != "" {
					t.Errorf("%s, %s, %d: got %+v, %v, want notices or a reason", name, e.Name, i, d, err)
				}
				for _, n := range d.Notices {
					if (n.ExternalKey == "") == (n.Installation == domain.Installation{}) {
						t.Errorf("%s, %s, %d: got a notice of nothing, or of two things", name, e.Name, i)
					}
					installed = installed || n.Installation.ID == "16598467" && n.Access // no longer suspended: names no repository
				}
				notices += min(len(d.Notices), 1)
			}
		}
	}
	if files < 300 || notices < 100 || !installed {
		t.Errorf("got %d deliveries with %d notices, one of an installation that is open again: %v; want the whole corpus", files, notices, installed)
	}
}

// TestOtherCorpus is TestCorpus for what somebody else has recorded.
func TestOtherCorpus(t *testing.T) {
	t.Parallel()

	files, err := filepath.Glob(filepath.Join(forgetest.Module(t, forgetest.Deliveries), "testdata", "github", "*.json"))
	if err != nil || len(files) != 48 {
		t.Fatalf("got %d files, %v, want 48", len(files), err)
	}
	c, notices := newConnector(t, connectortest.NewClock(noon), nil), 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		event := strings.ReplaceAll(strings.TrimSuffix(name, "-edited"), "-", "_")
		if name == "pull-request-issue-comment" {
			event = "issue_comment"
		}
		d, err := c.Parse(delivered(event), body)
		if err != nil || (len(d.Notices) == 0) == (d.Ignored == "") {
			t.Errorf("%s: got %+v, %v, want notices or a reason", name, d, err)
		}
		notices += min(len(d.Notices), 1)
	}
	if notices < 14 { // push, create, delete, issues, pull requests and their like
		t.Errorf("got %d with notices, want the events that are used", notices)
	}
}
