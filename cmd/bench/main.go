// Command bench measures how fast the service is and how much memory it takes,
// on real Kafka, PostgreSQL and Redis. "make bench" runs it.
//
// It prints one JSON line for each figure and a table at the end, and exits with
// 1 when a figure misses its target. With -docs it writes docs/benchmarks.md.
//
// Each file figure_*.go holds one figure, or several of one kind, with the
// reference that it is compared with. [catalogue] is the list of them.
//
// # Why
//
// A speed in files a second says more about the machine than about the service.
// Each figure is a ratio to the plain best way of doing the same piece, measured
// in the same run in turn with it, so that it means the same on any machine.
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

	"github.com/confuse/data-connector/cmd/figures"
)

// Exit codes.
const (
	exitMissed = 1 // a figure misses its target
	exitBroken = 2 // a figure could not be measured
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
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("figures", "", "regular expression: only figures with such names")
	flags.StringVar(&o.docs, "docs", "", "write the page of benchmarks to this file")
	flags.StringVar(&o.binary, "binary", "bin/data-connector", "the service")
	flags.StringVar(&o.dir, "dir", "", "folder for trees and packs, on the disk to measure; empty: the one for temporary files")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each piece is measured; the median counts")
	flags.Float64Var(&o.scale, "scale", 1, "multiplies all sizes; figures of another scale than 1 are for trying out")
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
	b, err := newBench(ctx, o.config, stderr)
	if err != nil {
		complain(stderr, err)
		return exitBroken
	}
	lines, failed := b.measure(ctx, o.pattern, stdout)
	figures.PrintTable(stdout, lines)
	if o.docs != "" {
		failed = append(failed, writeDocs(ctx, b, o.docs, lines)...)
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
func complain(w io.Writer, err error) { _, _ = fmt.Fprintln(w, "bench:", err) }
