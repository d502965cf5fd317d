package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/connectors/bitbucket"
	"github.com/confuse/data-connector/connectors/github"
	"github.com/confuse/data-connector/connectors/gitlab"
	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// connectors is the one list of all that can be connected, in the order in which
// users see them. All roles share it, and with it budgets and tokens.
func (s *service) connectors() ingest.Connectors { return s.all }

func (s *service) openConnectors(ctx context.Context) error {
	own := append([]string{s.CacheDir}, s.own...)
	if dir := s.contentDir(); dir != "" {
		own = append(own, dir)
	}
	for i, dir := range own {
		if real, err := filepath.EvalSymlinks(dir); err == nil { // else it does not exist yet, and links to nowhere
			own[i] = real
		}
	}
	s.all = ingest.Connectors{s.hooks.folders(localfs.New(localfs.Options{Allowed: s.AllowedPaths, Own: own, Clock: s.clock}))}
	forges, err := s.forges(ctx)
	s.all = append(s.all, forges...)
	return err
}

// forges are the connectors that read git repositories. A git that will not do is
// refused, and a log line says why: nothing is connected then and no job reads
// anything, which each of them says too, while deliveries are taken. Local folders
// need no git.
func (s *service) forges(ctx context.Context) (ingest.Connectors, error) {
	git, version, err := openGit(ctx, s.config, s.clock)
	switch bad := new(domain.InvalidError); {
	case errors.As(err, &bad): // of a variable
		return nil, err
	case err != nil:
		s.log.ErrorContext(ctx, "repositories cannot be connected", "err", err)
		git = gitrepo.Refused(err)
	default:
		s.log.InfoContext(ctx, "repositories are read by git", "version", version)
	}
	key, err := s.githubKey()
	if err != nil {
		return nil, err
	}
	return ingest.Connectors{
		github.New(github.Options{Git: git, REST: s.calls(s.GitHubPerHour), AppID: s.GitHubAppID, Key: key, AppURL: string(s.GitHubAppURL)}),
		gitlab.New(gitlab.Options{Git: git, REST: s.calls(s.GitLabPerHour)}),
		bitbucket.New(bitbucket.Options{Git: git, REST: s.calls(s.BitbucketPerHour), Cloud: s.hooks.cloud}),
	}, nil
}

// calls is how APIs are called: all replicas share one budget, of so many calls of
// a credential in an hour; 0: what the provider says.
func (s *service) calls(perHour int) rest.Options {
	return rest.Options{
		Clock: s.clock, PerHour: perHour, Budget: redis.NewBudget(s.redis, s.RedisPrefix), Networks: s.PrivateNetworks, Observe: s.counts.called,
	}
}

// acceptFsck is the variable with the faults of repositories that are let pass.
const acceptFsck = "GIT_ACCEPT_FSCK"

// openGit finds the git program and says which version it is. It is an error when it
// is too old, and an InvalidError of a variable when it does not know what that names.
func openGit(ctx context.Context, cfg config, clock domain.Clock) (git *gitrepo.Client, version string, err error) {
	git, err = gitrepo.New(gitrepo.Options{
		Clock: clock, AllowHTTP: len(cfg.PrivateNetworks) > 0, // the guard lets plain HTTP into these networks alone
		Resolve: rest.Resolve(cfg.PrivateNetworks), HTTP: rest.Guarded(cfg.PrivateNetworks), AcceptFsck: cfg.AcceptFsck,
	})
	if err != nil {
		return nil, "", err
	}
	version, err = git.Check(ctx)
	if bad := new(domain.InvalidError); errors.As(err, &bad) {
		return nil, version, problem(acceptFsck, bad.Problem)
	}
	return git, version, err
}

// githubKey is the private key of the operator's GitHub App, empty when there is
// none.
func (c config) githubKey() (domain.Secret, error) {
	switch {
	case c.GitHubKey != "" && c.GitHubKeyPath != "":
		return "", errors.New("set GITHUB_PRIVATE_KEY or GITHUB_PRIVATE_KEY_PATH, not both")
	case c.GitHubKeyPath == "":
		return domain.Secret(c.GitHubKey), nil
	}
	b, err := os.ReadFile(c.GitHubKeyPath)
	if err != nil {
		return "", fmt.Errorf("GITHUB_PRIVATE_KEY_PATH: %w", err)
	}
	return domain.Secret(b), nil
}
