package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/adapters/embedded"
)

// A finding is one line of doctor.
type finding struct {
	level  string // ok, warn, fail
	what   string
	advice string // what to change; empty for ok
}

// The levels of findings.
const (
	levelOK   = "ok"
	levelWarn = "warn"
	levelFail = "fail"
)

var errUnwell = errors.New("something has to be changed, see above")

func (c *command) doctor() *cobra.Command {
	var at where
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the configuration and all that the service needs, and say what to change",
		Long: `Checks the configuration, Kafka with its topics, PostgreSQL with its schema, Redis,
git, the content store and the allowed folders, without changing anything, and says
what to change. The exit code is 1 when something keeps the service from working.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, found := c.patient(at)
			if err := printConfig(cmd.OutOrStdout(), cfg); err != nil {
				return err
			}
			return c.examine(cmd.Context(), cmd.OutOrStdout(), cfg, found)
		},
	}
	at.flagData(cmd)
	return cmd
}

// patient is the config to look at, with what is wrong with it.
func (c *command) patient(at where) (config, []finding) {
	cfg, err := loadConfig(c.environ)
	if err != nil {
		return cfg, []finding{{levelFail, "configuration", err.Error()}}
	}
	missing := cfg.require("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "CONTENT_STORE_URL")
	if at.data == "" && missing == nil {
		return cfg, []finding{{levelOK, "configuration", ""}}
	}
	folder := cmp.Or(at.data, defaultData)
	run, err := embedded.ReadRunInfo(folder)
	if err != nil && at.data == "" {
		return cfg, []finding{{levelFail, "configuration", missing.Error()}}
	}
	if err != nil {
		return cfg, []finding{{levelFail, "configuration", err.Error()}}
	}
	p, err := c.soloProcess(solo{data: folder, port: -1})
	if err != nil {
		return cfg, []finding{{levelFail, "configuration", err.Error()}}
	}
	return p.on(run), []finding{{levelOK, fmt.Sprintf("configuration: this environment, and the servers of process %d on %s", run.PID, folder), ""}}
}

func printConfig(w io.Writer, cfg config) error {
	t := newTable(w, "VARIABLE", "VALUE")
	for _, v := range cfg.variables() {
		t.row(v.name, v.value)
	}
	return t.flush()
}

// examine prints what each check finds, as it finds it.
func (c *command) examine(ctx context.Context, w io.Writer, cfg config, found []finding) error {
	failed := false
	tell := func(all []finding) error {
		for _, f := range all {
			failed = failed || f.level == levelFail
			line := fmt.Sprintf("%-4s  %s", f.level, f.what)
			if f.advice != "" {
				line += ": " + f.advice
			}
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	if err := tell(found); err != nil {
		return err
	}
	for _, check := range []func(context.Context, config) []finding{
		c.lookAtKafka, lookAtPostgres, lookAtRedis, lookAtGit, lookAtContent, lookAtFolders,
	} {
		if err := tell(check(ctx, cfg)); err != nil {
			return err
		}
	}
	if failed {
		return errUnwell
	}
	return nil
}
