package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/domain"
)

// A role is a part of the service that a process may run.
type role string

// The roles.
const (
	roleAPI       role = "api"       // REST: commands and reads
	roleProjector role = "projector" // folds the log into the read tables
	roleScheduler role = "scheduler" // finds due sources, keeps the queue filled
	roleSyncer    role = "syncer"    // runs the jobs

	roleDispatcher role = "dispatcher" // hands changes on to the stages of the pipeline
)

func allRoles() []role {
	return []role{roleAPI, roleProjector, roleScheduler, roleSyncer, roleDispatcher}
}

func (c *command) serve() *cobra.Command {
	var names []string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service, or some of its roles, on Kafka, PostgreSQL and Redis",
		Long: `Runs the service on the Kafka, PostgreSQL and Redis that the environment names.
It brings the database up to date and makes missing topics before it begins.

Roles scale apart: run any of them in any number of processes.
  api        REST: commands and reads
  projector  folds the log into the read tables
  scheduler  finds due sources, keeps the queue of jobs filled
  syncer     runs the jobs
  dispatcher hands changes on to the stages of the pipeline`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			roles, err := parseRoles(names)
			if err != nil {
				return err
			}
			cfg, err := c.serveConfig()
			if err != nil {
				return err
			}
			return c.runService(cmd.Context(), process{config: cfg, roles: roles, hooks: c.hooks})
		},
	}
	cmd.Flags().StringSliceVar(&names, "roles", namesOf(allRoles()), "what this process runs")
	return cmd
}

// serveConfig is the config of a process whose servers the environment names.
func (c *command) serveConfig() (config, error) {
	cfg, err := loadConfig(c.environ)
	err = errors.Join(err, cfg.require("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "CONTENT_STORE_URL"))
	if err != nil {
		return config{}, fmt.Errorf("configuration:\n%w", err)
	}
	cfg.AuthMode = cmp.Or(cfg.AuthMode, authKeys)
	if cfg.Host == "" && cfg.AuthMode == authNone {
		cfg.Host = "127.0.0.1"
	}
	cfg.Host = cmp.Or(cfg.Host, "0.0.0.0")
	return cfg, nil
}

func parseRoles(names []string) ([]role, error) {
	var roles []role
	for _, name := range names {
		r := role(strings.TrimSpace(name))
		if !slices.Contains(allRoles(), r) {
			return nil, usage("unknown role %q; allowed: %s", name, strings.Join(namesOf(allRoles()), ", "))
		}
		if !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	if len(roles) == 0 {
		return nil, usage("no role given; allowed: %s", strings.Join(namesOf(allRoles()), ", "))
	}
	return roles, nil
}

func namesOf(roles []role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return names
}

// A process is what one call of serve is to run.
type process struct {
	config
	roles []role
	// makeKeyset lets a missing keyset be made anew.
	makeKeyset bool
	// grace is what work that is stuck still gets, because the process closes the
	// servers that it uses.
	grace   time.Duration
	keepAll bool                                        // the log has one retention for all topics
	own     []string                                    // folders of the service itself, which no source holds
	ready   func(ctx context.Context, s *service) error // called once requests are taken; nil: not
	hooks   hooks
}

// runService opens what p needs and runs its roles until ctx ends or one of them
// fails. It returns nil after an orderly stop.
func (c *command) runService(ctx context.Context, p process) error {
	log := p.newLogger(c.err)
	s, err := openService(ctx, p, log)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	if err = s.run(ctx); !errors.Is(err, errStuck) { // else closing would wait for what is stuck
		err = errors.Join(err, s.close())
	}
	log.InfoContext(ctx, "service stopped")
	if errors.Is(err, domain.ErrLogLost) {
		return fmt.Errorf("%w\n%s", err, logLostRemedy)
	}
	return err
}

const logLostRemedy = `The tables have seen events that the log no longer holds, so nothing goes on by itself:
1. Look whether KAFKA_BOOTSTRAP_SERVERS and KAFKA_TOPIC_PREFIX name the log that DATABASE_URL belongs to.
2. If they do, restore the topics from their backup, then start again.
3. If what is missing is gone for good, accept the loss: DROP SCHEMA read CASCADE in the database, then start
   again. The tables are filled from what the log holds. A consumer group that is named above is deleted (by
   kafka-consumer-groups.sh --delete --group NAME): its stage begins with the first event that is there.`
