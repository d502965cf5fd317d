package pgserver

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// spawn starts cmd and calls ended, on another goroutine, when it has ended.
func spawn(cmd *exec.Cmd, ended func(error)) error {
	started := make(chan error, 1)
	go func() {
		// The death signal comes when the thread that forked ends, not the
		// process. So this thread stays until the child is gone, and is never
		// unlocked: it ends with the goroutine.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended(cmd.Wait())
		}
	}()
	return <-started
}

// run is spawn, and waits.
func run(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	if err := spawn(cmd, func(err error) { done <- err }); err != nil {
		return err
	}
	return <-done
}

// tailBytes is enough for the lines that say why a server did not come up.
const tailBytes = 2 << 10

// tail is the end of a log, to be put behind an error; empty when there is none.
func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // read only
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		_, _ = f.Seek(-tailBytes, io.SeekEnd) // else all of it: longer, not wrong
	}
	raw, err := io.ReadAll(f)
	if err != nil || len(bytes.TrimSpace(raw)) == 0 {
		return ""
	}
	return "; its log ends with:\n" + string(bytes.TrimSpace(raw))
}
