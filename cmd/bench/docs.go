package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/cmd/figures"
)

// remarks begins the part of the page that people write; it is kept as it is.
const remarks = "## Remarks\n"

// writeDocs writes the page of benchmarks.
func writeDocs(ctx context.Context, b *bench, file string, lines []figures.Line) []error {
	machine, err := b.machine(ctx)
	if err != nil {
		return []error{err}
	}
	var page strings.Builder
	_, _ = fmt.Fprintf(&page, "# Benchmarks\n\nWritten by `make bench DOCS=1`. %s\n\n", machine) // to memory
	page.WriteString("Each speed is a ratio to the plain best way of doing the same piece, measured in the same run in turn with it. " +
		fmt.Sprintf("Values are medians of %d, on a warm broker.\n\n", b.rounds))
	if b.scale != 1 {
		_, _ = fmt.Fprintf(&page, "**All sizes were multiplied by %g: these are no figures of the sizes that are named.**\n\n", b.scale)
	}
	page.WriteString(figures.Markdown(lines))
	page.WriteString("\n## What is measured, against what\n\n")
	for _, f := range catalogue() {
		_, _ = fmt.Fprintf(&page, "**%s**: %s.\nReference: %s.\n", f.name, f.title, f.reference)
		if f.note != "" {
			page.WriteString(f.note + "\n")
		}
		page.WriteString("\n")
	}
	old, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return []error{err}
	}
	if _, kept, ok := strings.Cut(string(old), remarks); ok {
		page.WriteString(remarks + kept)
	}
	if err := os.WriteFile(file, []byte(page.String()), 0o644); err != nil { //nolint:gosec // a page for everyone
		return []error{err}
	}
	return nil
}

// machine says in one sentence each where and when it was measured.
func (b *bench) machine(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, b.servers.Postgres)
	if err != nil {
		return "", err
	}
	var database string
	err = conn.QueryRow(ctx, `SHOW server_version`).Scan(&database)
	_ = conn.Close(ctx) // nothing is open on it
	if err != nil {
		return "", err
	}
	o, err := goredis.ParseURL(b.servers.Redis)
	if err != nil {
		return "", err
	}
	client := goredis.NewClient(o)
	info, err := client.InfoMap(ctx, "server").Result()
	_ = client.Close() // only asked
	if err != nil {
		return "", err
	}
	broker, err := b.kafkaVersion(ctx)
	return fmt.Sprintf("%s, %d cores (%s), %s/%s, %s; Kafka %s, PostgreSQL %s, Redis %s, all on the same machine.",
		b.clock.Now().Format("2006-01-02"), runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		broker, database, info["Server"]["redis_version"]), err
}

func (b *bench) kafkaVersion(ctx context.Context) (string, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.servers.Brokers...))
	if err != nil {
		return "", err
	}
	defer client.Close()
	versions, err := kadm.NewClient(client).ApiVersions(ctx)
	if err != nil {
		return "", err
	}
	for _, v := range versions {
		return v.VersionGuess(), v.Err
	}
	return "unknown", nil
}

// processor is its name, as the system tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
