// Package testbed is where the programs beside it run the service: on the servers
// of "make services-up", in a [Corner] of its own, as a [Process] that can be
// ended, on folders that [MakeTree] fills. An [API] asks it as a user would.
//
// What is measured or broken is the matter of cmd/bench and cmd/chaos.
package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Servers are where the three servers are.
type Servers struct {
	Brokers         []string
	Postgres, Redis string // URLs
}

// services starts the servers, or says where they are.
const services = "deploy/dev/services"

// Find gives the servers that the environment names, as tests do, or starts them.
func Find(ctx context.Context, stderr io.Writer) (Servers, error) {
	return find(ctx, os.Environ(), stderr)
}

// find finds the servers of an environment.
func find(ctx context.Context, environ []string, stderr io.Writer) (Servers, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute) // a first start downloads
	defer cancel()
	up := exec.CommandContext(ctx, services, "up")
	up.Env, up.Stdout, up.Stderr = environ, stderr, stderr
	if err := up.Run(); err != nil {
		return Servers{}, fmt.Errorf("%s up: %w", services, err)
	}
	env := exec.CommandContext(ctx, services, "env")
	env.Env = environ
	out, err := env.Output()
	if err != nil {
		return Servers{}, fmt.Errorf("%s env: %w", services, err)
	}
	named := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		if name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "="); ok {
			named[name] = strings.NewReplacer(`'`, "", `\`, "").Replace(value)
		}
	}
	s := Servers{
		Brokers:  strings.Split(named["TEST_KAFKA_BOOTSTRAP_SERVERS"], ","),
		Postgres: named["TEST_DATABASE_URL"], Redis: named["TEST_REDIS_URL"],
	}
	if s.Brokers[0] == "" || s.Postgres == "" || s.Redis == "" {
		return s, errors.New("not all servers are there; see: make services-up")
	}
	return s, lines.Err()
}
