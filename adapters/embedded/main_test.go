package embedded_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/confuse/data-connector/adapters/embedded"
)

// helperDir makes the test binary a process that runs the servers on that
// folder until it is killed.
const helperDir = "EMBEDDED_TEST_HELPER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		os.Exit(help(dir))
	}
	os.Exit(m.Run())
}

// help starts the servers, writes data, says so, and waits to be killed.
func help(dir string) int {
	ctx := context.Background()
	s, err := embedded.Start(ctx, embedded.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err == nil {
		err = write(ctx, s, "killed")
	}
	if err == nil {
		err = embedded.WriteRunInfo(dir, embedded.RunInfo{URL: "http://127.0.0.1:1", PID: os.Getpid()})
	}
	if err == nil {
		_, err = fmt.Fprintln(os.Stdout, "written")
	}
	if err != nil {
		slog.New(slog.NewTextHandler(os.Stderr, nil)).ErrorContext(ctx, "helper", "err", err)
		return 1
	}
	<-s.Lost() // the killer may have taken the database first
	select {}
}

// startHelper gives a process that runs the servers on dir and has written to
// them, as another user unless as is nil.
func startHelper(t *testing.T, dir string, as *syscall.Credential) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe") // this binary, also where the path to it is closed to as
	cmd.Env = append(os.Environ(), helperDir+"="+dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var line string
	if _, err := fmt.Fscanln(out, &line); err != nil || line != "written" {
		_ = cmd.Process.Kill() // it has failed already
		_ = cmd.Wait()
		t.Fatalf("helper: got %q, %v; log:\n%s", line, err, log.String())
	}
	return cmd
}

// kill ends cmd as kill -9 does and waits until it is gone.
func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the helper ended by itself")
	}
}
