package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
)

// exactSeeds is how many change scripts are run.
const exactSeeds = 20

// exact runs the change scripts: 2,000 files, 1,000 changes in five syncs, after each
// of which the events are the difference of two walks and tables and log agree.
func exact(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	passed, err := c.proofs(ctx, "TestExact/seed", fmt.Sprint("SEEDS=", exactSeeds))
	return []figures.Line{figures.Exactly(name+"_seeds", "scripts", float64(passed), exactSeeds)}, err
}

// losses throws away cursor, cache, Redis and read tables, each and all.
func losses(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	passed, err := c.proofs(ctx, "TestNothingIsAnnouncedTwice/without")
	return []figures.Line{figures.Exactly(name+"_exact", "losses", float64(passed), lossesTried)}, err
}

// lossesTried is how many kinds of loss there are.
const lossesTried = 8

// planted changes a row behind the back of the service: it has to be found.
func planted(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	passed, err := c.proofs(ctx, "TestRebuildVerb")
	return []figures.Line{figures.Exactly(name+"_found", "rows", float64(passed), 1)}, err
}

// proofs runs tests that the service's binary holds beside it, on the same servers,
// and counts those whose name begins so and that passed. What fails is told.
func (c *chaos) proofs(ctx context.Context, name string, more ...string) (passed int, err error) {
	top, _, _ := strings.Cut(name, "/")
	run := exec.CommandContext(ctx, c.binary, "-test.run", "^"+top+"$", "-test.v", "-test.timeout", "60m")
	run.Dir = filepath.Join("cmd", "data-connector")
	run.Env = append(os.Environ(), append(more, "TEST_KAFKA_BOOTSTRAP_SERVERS="+strings.Join(c.servers.Brokers, ","),
		"TEST_DATABASE_URL="+c.servers.Postgres, "TEST_REDIS_URL="+c.servers.Redis, faults.Child+"=", "TMPDIR="+c.dir)...)
	var said bytes.Buffer
	run.Stdout, run.Stderr = &said, &said
	err = run.Run()
	for line := range strings.Lines(said.String()) {
		if strings.HasPrefix(strings.TrimSpace(line), "--- PASS: "+name) {
			passed++
		}
	}
	var failed *exec.ExitError
	if errors.As(err, &failed) { // the count says so
		c.log.WarnContext(ctx, "not proven", "test", name, "said", said.String())
		return passed, nil
	}
	return passed, err
}
