package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The files of a server below Options.Dir.
const (
	dataFolder = "postgres"      // the cluster, owned by the user that the child runs as
	newFolder  = "postgres.new"  // a cluster that initdb has not finished; worthless
	logFile    = "postgres.log"  // of the last start
	lockFile   = "postgres.lock" // locked while a process of the server lives
	pidFile    = "postmaster.pid"
)

// takeFolder waits until no process of an earlier server holds the lock file,
// stopping it where its parent's death has not, and returns the file, locked.
// The lock goes with the last descriptor of the file, and every process of the
// server inherits one; so it outlives us if they do, and never them.
func takeFolder(ctx context.Context, o Options) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(o.Dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	data := filepath.Join(o.Dir, dataFolder)
	err = evict(ctx, f, data)
	if err == nil {
		err = clearPIDFile(data)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// evict locks f, ever less politely towards who has it.
func evict(ctx context.Context, f *os.File, data string) error {
	for _, step := range []struct {
		wait time.Duration
		then syscall.Signal
	}{
		{0, syscall.SIGINT}, // fast shutdown; a second one changes nothing
		{30 * time.Second, syscall.SIGQUIT},
		{10 * time.Second, syscall.SIGKILL},
	} {
		locked, err := lockWithin(ctx, f, step.wait)
		if locked || err != nil {
			return err
		}
		signalServer(data, step.then)
	}
	locked, err := lockWithin(ctx, f, 10*time.Second)
	if locked || err != nil {
		return err
	}
	return fmt.Errorf("process %d of an earlier start still runs on %q and does not stop", serverPID(data), data)
}

// lockWithin tries to lock f until wait has passed; false: someone else has it.
func lockWithin(ctx context.Context, f *os.File, wait time.Duration) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timeout := time.After(wait)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return false, fmt.Errorf("lock %q: %w", f.Name(), err)
		}
		select {
		case <-again.C:
		case <-timeout:
			return false, nil
		case <-ctx.Done():
			return false, fmt.Errorf("wait for the server of an earlier start: %w", ctx.Err())
		}
	}
}

// clearPIDFile removes the mark of a server that was killed. Its number may
// belong to any process by now, and the server would take that for its former
// self. The caller holds the lock: no server that Start has made is alive.
func clearPIDFile(data string) error {
	pid := serverPID(data)
	if pid == 0 || !procfs() { // without a look at the process, the server is the better judge
		return nil
	}
	if runsIn(pid, data) {
		return fmt.Errorf("process %d, not started by this program, runs on %q: stop it", pid, data)
	}
	if err := os.Remove(filepath.Join(data, pidFile)); err != nil {
		return fmt.Errorf("remove what a killed server has left: %w", err)
	}
	return nil
}

// signalServer does nothing when the process of the pid file is known not to be
// a server on the folder data. The caller knows that one is alive there.
func signalServer(data string, signal syscall.Signal) {
	if pid := serverPID(data); pid != 0 && (runsIn(pid, data) || !procfs()) {
		_ = syscall.Kill(pid, signal) // it may have ended just now
	}
}

// serverPID is the process of the pid file, 0 when there is none.
func serverPID(data string) int {
	raw, err := os.ReadFile(filepath.Join(data, pidFile))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil || pid <= 1 {
		return 0
	}
	return pid
}

// procfs says whether this system shows where a process works: Linux does.
func procfs() bool {
	_, err := os.Stat("/proc/self/cwd")
	return err == nil
}

// runsIn says whether pid works in the folder data, as a server on it does.
func runsIn(pid int, data string) bool {
	cwd, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	info, err := os.Stat(data)
	return err == nil && os.SameFile(cwd, info)
}
