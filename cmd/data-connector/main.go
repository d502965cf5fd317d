// Command data-connector connects sources and keeps a complete, ordered record
// of what changes in them: "serve" runs the service on Kafka, PostgreSQL and
// Redis, "standalone" runs it with servers of its own, the other verbs look at a
// running one and order it about.
//
// This package is wiring and flags only, one verb a file. It is the only one that
// reads the environment ([config]) and that knows all connectors
// ([service.connectors]). Its exit codes are in exit.go.
//
// # Why
//
// One binary for all: what is tested in one process is what runs in many. Which
// parts a process runs is a flag of serve, and standalone is serve on addresses
// that it has made itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	redislog "github.com/redis/go-redis/v9/logging"
)

func main() {
	redislog.Disable() // it writes plain lines to stderr; its errors come back as well
	// A second signal ends the process at once: the first gives up its handler.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Environ())
	stop()
	os.Exit(code)
}
