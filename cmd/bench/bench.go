package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
)

// config is what the flags say.
type config struct {
	binary, dir, profiles string
	rounds                int
	scale                 float64
}

// A bench knows the servers and gives figures corners of their own on them.
type bench struct {
	config
	brokers         []string
	postgres, redis string // URLs
	clock           clock.System
	log             *slog.Logger
}

// services starts the servers, or says where they are.
const services = "deploy/dev/services"

// newBench finds the servers that the environment names, as tests do, or starts
// them.
func newBench(c config, stderr io.Writer) (*bench, error) {
	b := &bench{config: c, log: slog.New(slog.NewTextHandler(stderr, nil))}
	named, err := servers(stderr)
	if err != nil {
		return nil, err
	}
	b.brokers = strings.Split(named["TEST_KAFKA_BOOTSTRAP_SERVERS"], ",")
	b.postgres, b.redis = named["TEST_DATABASE_URL"], named["TEST_REDIS_URL"]
	if b.brokers[0] == "" || b.postgres == "" || b.redis == "" {
		return nil, errors.New("not all servers are there; see: make services-up")
	}
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return nil, err
	}
	if b.dir == "" {
		b.dir = os.TempDir()
	}
	return b, nil
}

// servers starts what does not run and gives the variables that name them all.
func servers(stderr io.Writer) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // a first start downloads
	defer cancel()
	up := exec.CommandContext(ctx, services, "up")
	up.Stdout, up.Stderr = stderr, stderr
	if err := up.Run(); err != nil {
		return nil, fmt.Errorf("%s up: %w", services, err)
	}
	out, err := exec.CommandContext(ctx, services, "env").Output()
	if err != nil {
		return nil, fmt.Errorf("%s env: %w", services, err)
	}
	named := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		if name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "="); ok {
			named[name] = strings.NewReplacer(`'`, "", `\`, "").Replace(value)
		}
	}
	return named, lines.Err()
}

// scaled is n, or less when figures are only tried out.
func (b *bench) scaled(n int) int { return max(1, int(float64(n)*b.scale)) }

// elapsed is how long ago start is.
func (b *bench) elapsed(start time.Time) time.Duration { return time.Since(start) }
