package embedded_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/embedded"
)

func TestStartAfterAKill(t *testing.T) {
	t.Parallel()

	tests := map[string]func(t *testing.T, dir string, helper *exec.Cmd){
		"of the process": func(t *testing.T, _ string, helper *exec.Cmd) {
			kill(t, helper)
		},
		"of the process and its postgres": func(t *testing.T, dir string, helper *exec.Cmd) {
			killPostgres(t, dir)
			kill(t, helper)
		},
		"while postgres does not react": func(t *testing.T, dir string, helper *exec.Cmd) {
			pid := postgresPID(t, dir)
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			kill(t, helper)
			// It goes on, and ends, while the next start waits for it.
			time.AfterFunc(300*time.Millisecond, func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
		},
	}
	for name, killAll := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			dir := t.TempDir()
			helper := startHelper(t, dir, nil)
			pid := postgresPID(t, dir)
			if !serves(pid, dir) {
				t.Fatalf("process %d is not the postgres of the helper", pid)
			}
			killAll(t, dir, helper)
			s := start(t, embedded.Options{Dir: dir})
			if serves(pid, dir) {
				t.Errorf("process %d, the postgres of the killed one, still runs", pid)
			}
			checkKept(t, s, "killed")
			if err := write(t.Context(), s, "next"); err != nil {
				t.Fatal(err)
			}
			stop(t, s)
			checkKept(t, start(t, embedded.Options{Dir: dir}), "killed", "next")
		})
	}
}

// An ordinary user's folder keeps its owner when root starts on it.
func TestStartAsAnOrdinaryUserThenAsRoot(t *testing.T) {
	t.Parallel()

	if os.Geteuid() != 0 {
		t.Skip("not root: all other tests run as an ordinary user already")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("/tmp", "embedded-") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // nothing rests on it
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	kill(t, startHelper(t, dir, &syscall.Credential{Uid: nobody, Gid: nobody}))
	s := start(t, embedded.Options{Dir: dir})
	checkKept(t, s, "killed")
	stop(t, s)
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(dir, "postgres", "PG_VERSION"), &st); err != nil || st.Uid != nobody {
		t.Errorf("got owner %d, %v, want %d", st.Uid, err, nobody)
	}
}

// A process number may come back: the one in the file of a killed postgres may
// be anyone's by now, here ours.
func TestStartWithAPIDFileOfAnother(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	s := start(t, embedded.Options{Dir: dir})
	path := filepath.Join(dir, "postgres", "postmaster.pid")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), s, "kept"); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	_, rest, _ := strings.Cut(string(raw), "\n")
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	checkKept(t, start(t, embedded.Options{Dir: dir}), "kept")
}

func postgresPID(t *testing.T, dir string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func killPostgres(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Kill(postgresPID(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// serves says whether process pid lives and works on the cluster of dir.
func serves(pid int, dir string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && cwd == filepath.Join(dir, "postgres")
}
