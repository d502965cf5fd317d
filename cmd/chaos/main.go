// Command chaos breaks things under a running service, on real Kafka, PostgreSQL
// and Redis and on the embedded log, and looks whether its promises hold. "make
// chaos" runs it.
//
// It prints one JSON line for each figure and a table at the end, and exits with
// 1 when a promise is broken. With -docs it rewrites its part of
// docs/benchmarks.md. What is random comes from one seed, which is printed.
//
// Each file fault_*.go holds one kind of trouble; [catalogue] is the list of
// them. What a service did is judged in truth.go: by a walk over the folder, the
// rows, and the log, none of which asks the service.
//
// # Why
//
// The service under trouble is the test binary of cmd/data-connector: the same
// program, and what takes hold of it between two writes is in no other binary.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/confuse/data-connector/cmd/figures"
)

// Exit codes.
const (
	exitMissed = 1 // a promise is broken
	exitBroken = 2 // a fault could not be tried
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	pattern *regexp.Regexp
	docs    string
	config
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("faults", "", "regular expression: only faults with such names")
	flags.StringVar(&o.docs, "docs", "", "write what came of it into this page")
	flags.StringVar(&o.binary, "binary", "bin/chaos-service", "the test binary of cmd/data-connector")
	flags.StringVar(&o.dir, "dir", "", "folder for trees and packs; empty: the one for temporary files")
	flags.IntVar(&o.files, "files", 100_000, "files of the sync that is killed")
	flags.IntVar(&o.kills, "kills", 50, "how often it is killed")
	flags.IntVar(&o.deliveries, "deliveries", 1_000_000, "webhooks that come while it is killed and the brokers are away")
	flags.DurationVar(&o.outage, "outage", 10*time.Minute, "how long a neighbour is away")
	flags.Uint64Var(&o.seed, "seed", 0, "what random is made from; 0: a new one")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	o.pattern, err = regexp.Compile(*pattern)
	return o, err
}

// run is the whole program; it gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		complain(stderr, err)
		return exitBroken
	}
	c, err := newChaos(ctx, o.config, stderr)
	if err != nil {
		complain(stderr, err)
		return exitBroken
	}
	lines, failed := c.tryAll(ctx, o.pattern, stdout)
	figures.PrintTable(stdout, lines)
	if o.docs != "" {
		if err := c.writeDocs(o.docs, lines); err != nil {
			failed = append(failed, err)
		}
	}
	for _, err := range failed {
		complain(stderr, err)
	}
	switch {
	case len(failed) > 0:
		return exitBroken
	case figures.Missed(lines):
		return exitMissed
	}
	return 0
}

// complain tells err. Nobody is told when even that fails.
func complain(w io.Writer, err error) { _, _ = fmt.Fprintln(w, "chaos:", err) }
