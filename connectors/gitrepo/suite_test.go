package gitrepo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// A forge is the least that a connector over a git repository is.
type forge struct{ gitrepo.Source }

func (f forge) Describe() domain.Capabilities {
	return domain.Capabilities{Provider: "forge", Identity: domain.ByPath, Ordered: true, Options: []domain.Option{
		{Name: "url", Kind: domain.OptionString, Required: true, Help: "Of the repository."},
	}}
}

func (f forge) Validate(ctx context.Context, s domain.Scope) (domain.Identity, error) {
	var o struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(s.Config, &o) != nil || o.URL == "" {
		return domain.Identity{}, &domain.InvalidError{Field: "config.url", Problem: "is required"}
	}
	if _, err := f.Client.Head(ctx, f.Remote); err != nil {
		return domain.Identity{}, err
	}
	return domain.Identity{ExternalKey: o.URL, Name: "repo"}, nil
}

// The suite of all connectors.
func TestConnector(t *testing.T) {
	t.Parallel()

	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		w := newWorld(t)
		w.source.Client.SetPage(8)
		files := map[string]string{"empty": "", "binary": "\x00\x01\xff", "line\nbreak": "x", "caf\xe9": "latin-1"}
		var edits []gittest.Edit
		for i := range 30 {
			files[fmt.Sprintf("dir-%d/file-%04d.txt", i%7, i)] = fmt.Sprintf("file %d\nof many lines\nthat are much alike\nin all of them\n", i)
		}
		for path, content := range files {
			edits = append(edits, gittest.Put(path, content))
		}
		w.repo.Commit("main", append(edits, gittest.Link("link", "elsewhere"))...)
		config, err := json.Marshal(map[string]string{"url": w.repo.URL})
		if err != nil {
			t.Fatal(err)
		}
		fail := func(f gittest.Fault) func() { return func() { w.server.Fail(f) } }
		return connectortest.Fixture{
			Connector: forge{w.source}, Config: config, Files: files, Mend: w.server.Mend,
			Put:    func(path, content string) { w.repo.Commit("main", gittest.Put(path, content)) },
			Remove: func(path string) { w.repo.Commit("main", gittest.Remove(path)) },
			Rename: func(from, to string) { w.repo.Commit("main", gittest.Rename(from, to)) },
			Reset: func() {
				tree := w.repo.Git("rev-parse", "refs/heads/main^{tree}")
				w.repo.Git("update-ref", "refs/heads/main", w.repo.Git("commit-tree", "-m", "history rewritten", tree))
				w.repo.Forget()
			},
			Faults: map[connectortest.Fault]func(){
				connectortest.Unauthorized: fail(gittest.Fault{Status: http.StatusUnauthorized}),
				connectortest.ServerError:  fail(gittest.Fault{Status: http.StatusBadGateway}),
				connectortest.RateLimited:  fail(gittest.Fault{Status: http.StatusTooManyRequests}),
				connectortest.CutOff:       fail(gittest.Fault{Path: "git-upload-pack", Cut: 500}),
			},
		}
	})
}
