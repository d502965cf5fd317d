package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/bitbucket/bitbuckettest"
	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitlab/gitlabtest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// A host is what differs between forges: how a source names its repository, and what
// webhooks and deliveries look like.
type host struct {
	provider string
	config   map[string]any // of a source
	repo     *gittest.Repo
	cloud    string                                           // where a service finds the one whose address is fixed; empty: its config says it
	hooks    func() []registered                              // with their secrets
	push     func() payload                                   // to main
	sign     func(secret, id string, body []byte) http.Header // of a push
}

// A registered is a webhook as its forge holds it.
type registered struct{ url, secret string }

// githubHost is api, whose repository is octo/hello.
func githubHost(git *gittest.Server, api *githubtest.Server) host {
	return host{
		provider: "github", config: map[string]any{"owner": "octo", "repo": "hello", "baseUrl": api.URL}, repo: git.Create("octo/hello"),
		hooks: func() []registered {
			return registeredIn(api.Hooks(), func(h forgetest.Object) (url, secret any) {
				config, _ := h["config"].(forgetest.Object)
				return config["url"], config["secret"]
			})
		},
		push: func() payload {
			return payload{"ref": "refs/heads/main", "repository": payload{"id": api.ID(), "html_url": api.URL + "/octo/hello"}}
		},
		sign: func(secret, id string, body []byte) http.Header { return signed(secret, "push", id, body) },
	}
}

// gitlabHost is a GitLab. One that signs is of version 19 or later.
func gitlabHost(t *testing.T, git *gittest.Server, signing bool) host {
	api := gitlabtest.New(t, git, "group/sub/hello")
	api.Token, api.Signing = forgeToken, signing
	return host{
		provider: "gitlab", config: map[string]any{"project": "group/sub/hello", "baseUrl": api.URL}, repo: git.Create("group/sub/hello"),
		hooks: func() []registered {
			return registeredIn(api.Hooks(), func(h forgetest.Object) (url, secret any) {
				if signing {
					return h["url"], h["signing_token"]
				}
				return h["url"], h["token"]
			})
		},
		push: func() payload {
			return payload{"object_kind": "push", "ref": "refs/heads/main", "project": payload{"id": api.ID(), "web_url": api.URL + "/group/sub/hello"}}
		},
		sign: signedByGitLab,
	}
}

// signedByGitLab are the headers of a push: with a signing token it is signed, with
// any other secret that is shown.
func signedByGitLab(secret, id string, body []byte) http.Header {
	h := http.Header{"X-Gitlab-Event": {"Push Hook"}, "Webhook-Id": {id}}
	text, signing := strings.CutPrefix(secret, "whsec_")
	if !signing {
		h.Set("Idempotency-Key", id)
		h.Set("X-Gitlab-Token", secret)
		return h
	}
	key, _ := base64.StdEncoding.DecodeString(text) // what is none signs nothing that is taken
	now := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, now, body) // a hash never fails
	h.Set("Webhook-Timestamp", now)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}

// dataCenterHost is a Bitbucket Data Center.
func dataCenterHost(t *testing.T, git *gittest.Server) host {
	api := bitbuckettest.NewServer(t, git, "PROJ", "hello")
	api.Token = forgeToken
	return host{
		provider: "bitbucket", config: map[string]any{"owner": "PROJ", "repo": "hello", "baseUrl": api.URL}, repo: git.Create("scm/proj/hello"),
		hooks: func() []registered {
			return registeredIn(api.Hooks(), func(h forgetest.Object) (url, secret any) {
				config, _ := h["configuration"].(forgetest.Object)
				return h["url"], config["secret"]
			})
		},
		push: func() payload {
			self := []payload{{"href": api.URL + "/projects/PROJ/repos/hello/browse"}}
			return payload{"repository": payload{"id": 4, "links": payload{"self": self}}, "changes": []payload{{"refId": "refs/heads/main"}}}
		},
		sign: func(secret, id string, body []byte) http.Header {
			return signedByBitbucket(secret, body, "repo:refs_changed", http.Header{"X-Request-Id": {id}})
		},
	}
}

// cloudHost is a Bitbucket Cloud.
func cloudHost(t *testing.T, git *gittest.Server) host {
	api := bitbuckettest.NewCloud(t, git, "team", "hello")
	api.Token = forgeToken
	return host{
		provider: "bitbucket", config: map[string]any{"workspace": "team", "repo": "hello"}, repo: git.Create("team/hello"), cloud: api.URL,
		hooks: func() []registered {
			return registeredIn(api.Hooks(), func(h forgetest.Object) (url, secret any) { return h["url"], h["secret"] })
		},
		push: func() payload {
			change := payload{"new": payload{"type": "branch", "name": "main"}}
			return payload{"repository": payload{"uuid": api.ID()}, "push": payload{"changes": []payload{change}}}
		},
		sign: func(secret, id string, body []byte) http.Header {
			return signedByBitbucket(secret, body, "repo:push", http.Header{"X-Request-Uuid": {id}})
		},
	}
}

func signedByBitbucket(secret string, body []byte, event string, h http.Header) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body) // a hash never fails
	h.Set("X-Event-Key", event)
	h.Set("X-Hub-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return h
}

// registeredIn reads webhooks.
func registeredIn[K comparable](all map[K]forgetest.Object, read func(forgetest.Object) (url, secret any)) []registered {
	var hooks []registered
	for _, h := range all {
		url, secret := read(h)
		hooks = append(hooks, registered{fmt.Sprint(url), fmt.Sprint(secret)})
	}
	return hooks
}
