package gitlab_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

// module has recorded deliveries in its test data (Apache License 2.0). It is one
// that we build with, so it is there.
const module = "gitlab.com/gitlab-org/api/client-go/v2"

// TestCorpus: every recorded delivery is a notice of its project, or is ignored
// with a reason.
func TestCorpus(t *testing.T) {
	t.Parallel()

	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	c, seen, notices := newConnector(t, connectortest.NewClock(noon)), 0, 0
	for folder, event := range map[string]string{"webhooks": "Hook", "systemhooks": "System Hook"} {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "testdata", folder, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			seen++
			d, err := c.Parse(delivered(event), body)
			switch {
			case err != nil || len(d.Notices) == 0 && d.Ignored == "" || len(d.Notices) > 0 && d.Ignored != "":
				t.Errorf("%s: got %+v, %v, want a notice or a reason", file, d, err)
			case len(d.Notices) > 0 && (d.Notices[0].ExternalKey == "" || len(d.Notices[0].Refs) == 0):
				t.Errorf("%s: got a notice of nothing: %+v", file, d)
			case len(d.Notices) > 0 && folder == "systemhooks":
				t.Errorf("%s: got a notice of a system hook", file)
			}
			notices += len(d.Notices)
		}
	}
	if seen < 50 || notices < 7 {
		t.Errorf("got %d deliveries with %d notices, want the whole corpus", seen, notices)
	}
}

// TestOtherCorpus is TestCorpus for what somebody else has recorded.
func TestOtherCorpus(t *testing.T) {
	t.Parallel()

	files, err := filepath.Glob(filepath.Join(forgetest.Module(t, forgetest.Deliveries), "testdata", "gitlab", "*.json"))
	if err != nil || len(files) != 39 {
		t.Fatalf("got %d files, %v, want 39", len(files), err)
	}
	c, notices := newConnector(t, connectortest.NewClock(noon)), 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, event := filepath.Base(file), "Hook"
		if strings.HasPrefix(name, "system-") {
			event = "System Hook"
		}
		d, err := c.Parse(delivered(event), body)
		if err != nil || (len(d.Notices) == 0) == (d.Ignored == "") || len(d.Notices) > 0 && event == "System Hook" {
			t.Errorf("%s: got %+v, %v, want a notice or a reason", name, d, err)
		}
		notices += len(d.Notices)
	}
	if notices != 7 { // the others are not used, or of an age in which their projects had no ids
		t.Errorf("got %d with notices, want 7", notices)
	}
}

// TestRecorded: the objects that the emulator answers with have no field that
// GitLab's client does not know.
func TestRecorded(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile("gitlabtest/testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var objects map[string]json.RawMessage
	if err := json.Unmarshal(text, &objects); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]any{
		"project": &sdk.Project{}, "issue": &sdk.Issue{}, "merge_request": &sdk.MergeRequest{}, "note": &sdk.Note{}, "release": &sdk.Release{},
		"snippet": &sdk.Snippet{}, "hook": &sdk.ProjectHook{}, "user": &sdk.User{},
	}
	if len(kinds) != len(objects) {
		t.Errorf("got %d recorded objects, want %d", len(objects), len(kinds))
	}
	for kind, into := range kinds {
		d := json.NewDecoder(bytes.NewReader(objects[kind]))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil || reflect.ValueOf(into).Elem().IsZero() {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}
