package main

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/confuse/data-connector/domain"
)

// crashVariable says before which event of a run a child kills itself: a change
// of a source, "sync_progressed". It lets one of them pass.
const crashVariable = "DATA_CONNECTOR_TEST_CRASH"

// crashing is the command with a log that ends the process before the event.
func crashing(at string) int {
	c := &command{stdio: stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}, environ: mapOf(os.Environ())}
	c.pages = func(l domain.Log) domain.Log { return &crashLog{Log: l, at: domain.SourceChange(at)} }
	return c.execute(context.Background(), os.Args[1:])
}

type crashLog struct {
	domain.Log
	at   domain.SourceChange
	seen atomic.Int32
}

// Append implements domain.Log until the process dies.
func (l *crashLog) Append(ctx context.Context, messages ...domain.Message) ([]domain.Position, error) {
	for _, m := range messages {
		if e, ok := m.Event.(domain.SourceChanged); ok && e.Change == l.at && l.seen.Add(1) > 1 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // nobody is left to hear of an error
			select {}
		}
	}
	return l.Log.Append(ctx, messages...)
}
