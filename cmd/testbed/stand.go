package testbed

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
)

// A stand lets servers that were made for tests run in a program. It has of
// testing.TB what they use; the rest is not there.
type stand struct {
	testing.TB
	ctx     context.Context //nolint:containedctx // testing.TB has one
	dir     string          // where folders are made
	cleanup []func()
	err     error
}

// run calls f, which [stand.Fatalf] may end, and cleans up behind it.
func (s *stand) run(f func() error) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, clean := range slices.Backward(s.cleanup) {
				clean()
			}
		}()
		if err := f(); s.err == nil {
			s.err = err
		}
	}()
	<-done
	return s.err
}

// Helper implements testing.TB.
func (s *stand) Helper() {}

// Context implements testing.TB.
func (s *stand) Context() context.Context { return s.ctx }

// Cleanup implements testing.TB.
func (s *stand) Cleanup(f func()) { s.cleanup = append(s.cleanup, f) }

// TempDir implements testing.TB.
func (s *stand) TempDir() string {
	dir, err := os.MkdirTemp(s.dir, "forge-")
	if err != nil {
		s.Fatalf("%v", err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // temporary files
	return dir
}

// Fatalf implements testing.TB: it ends the goroutine, as a test's does.
func (s *stand) Fatalf(format string, args ...any) {
	s.err = fmt.Errorf(format, args...)
	runtime.Goexit()
}
