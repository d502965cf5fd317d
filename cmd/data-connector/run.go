package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/domain"
)

// stdio is where a command reads and writes. Results go to out, logs, progress
// and errors to err.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// A command is one call of the binary.
type command struct {
	stdio
	environ map[string]string
	clock   domain.Clock
	started bool // the verb has begun: the command line was in order
	hooks   hooks
}

// run is the whole program: it carries out args until it is done or ctx ends, and
// returns the exit code. environ has the form of os.Environ.
func run(ctx context.Context, args []string, io stdio, environ []string) int {
	c := newCommand(io, environ, hooks{})
	return c.execute(ctx, args)
}

func newCommand(io stdio, environ []string, h hooks) *command {
	return &command{stdio: io, environ: mapOf(environ), clock: h.newClock(), hooks: h}
}

// execute carries out args.
func (c *command) execute(ctx context.Context, args []string) int {
	root := c.root()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	verb, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err, c.started)
	if code == exitUsage {
		err = fmt.Errorf("%w\n\n%s", err, strings.TrimSpace(verb.UsageString()))
	}
	c.complain("data-connector: %v", err)
	return code
}

// complain writes a line to err. Nobody is told when even that fails.
func (c *command) complain(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, format+"\n", args...)
}

func mapOf(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			m[name] = value
		}
	}
	return m
}

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "data-connector",
		Short: "Connects sources and keeps a complete, ordered record of what changes in them",
		Long: `data-connector connects sources (local folders, ...), keeps a complete, ordered
record of what changes in them on a log, and answers questions about it over REST.

It is configured by the environment: see docs/configuration.md, or "data-connector doctor".`,
		SilenceErrors: true, // run prints them
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			c.started = true
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		c.serve(), c.standalone(), c.migrate(),
		c.source(), c.jobs(), c.events(), c.lag(), c.projections(), c.rebuild(), c.poison(), c.deadLetters(), c.replay(), c.notificationVerbs(),
		c.apiKey(), c.vault(), c.doctor(), c.version(),
	)
	return root
}

// group is a verb that only has verbs below it.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return usage("%s needs a verb", cmd.CommandPath()) },
	}
	g.AddCommand(verbs...)
	return g
}
