package gitlab_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"
)

// TestPublishedTypes: the objects that the emulator answers with are of the types that
// GitLab's own client has for them, field by field. GitLab's description of its API is
// in no registry; its client is what GitLab publishes there.
func TestPublishedTypes(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile("gitlabtest/testdata/recorded.json")
	var objects map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &objects)
	}
	if err != nil {
		t.Fatal(err)
	}
	for kind, v := range map[string]any{
		"project": &sdk.Project{}, "issue": &sdk.Issue{}, "merge_request": &sdk.MergeRequest{}, "release": &sdk.Release{},
		"snippet": &sdk.Snippet{}, "hook": &sdk.ProjectHook{}, "note": &sdk.Note{}, "user": &sdk.BasicUser{},
	} {
		strict := json.NewDecoder(bytes.NewReader(objects[kind]))
		strict.DisallowUnknownFields()
		if err := strict.Decode(v); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
