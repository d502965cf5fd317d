package testbed

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
)

// A Process is the service, or one of its verbs, in a process of its own.
type Process struct {
	API
	cmd    *exec.Cmd
	served chan string
	log    *os.File

	mu    sync.Mutex
	notes []string
}

// A Command is what a process is started with.
type Command struct {
	Binary string
	Args   []string
	Env    []string // all of it
	Log    string   // file that stderr is written to, behind what is there
	// Note picks what is to be remembered of a line that the process logs; nil:
	// nothing is.
	Note func(line []byte) (string, bool)
}

// startTime is what a start may take.
const startTime = time.Minute

// Start starts a service and waits until it serves. It does not end with ctx but
// by Stop or Kill; after an error nothing runs.
func Start(ctx context.Context, c Command) (*Process, error) {
	p, err := Launch(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := p.Served(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// Launch is Start without waiting.
func Launch(ctx context.Context, c Command) (*Process, error) {
	p := &Process{API: API{Ended: make(chan struct{})}, served: make(chan string, 1)}
	// Not with ctx: it is stopped in order.
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), c.Binary, c.Args...)
	p.cmd.Env = c.Env
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if p.log, err = os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, p.log.Close())
	}
	go p.watch(io.TeeReader(out, p.log), c.Note)
	return p, nil
}

// Served waits until the service serves.
func (p *Process) Served(ctx context.Context) error {
	select {
	case p.URL = <-p.served:
		return nil
	case <-p.Ended:
		return fmt.Errorf("the service ended before it served, see its log:\n%s", p.Said())
	case <-clock.System{}.After(startTime):
		return fmt.Errorf("the service does not serve:\n%s", p.Said())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watch finds the URL in what the service logs.
func (p *Process) watch(from io.Reader, note func([]byte) (string, bool)) {
	defer close(p.Ended)
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var entry struct{ Msg, URL string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "service started" {
			p.served <- entry.URL
		}
		if note != nil {
			if what, ok := note(line); ok {
				p.mu.Lock()
				p.notes = append(p.notes, what)
				p.mu.Unlock()
			}
		}
		if err != nil {
			break
		}
	}
	_ = p.cmd.Wait()  // its exit code is in ProcessState
	_ = p.log.Close() // it is for people
}

// Notes are what was noted of its log so far; all of it once it has ended.
func (p *Process) Notes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.notes...)
}

// Said is the end of what was logged; nothing when that cannot be read.
func (p *Process) Said() string {
	const most = 16 << 10
	text, _ := os.ReadFile(p.log.Name())
	return string(text[max(0, len(text)-most):])
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// ExitCode is that of a process that has ended; -1: a signal has ended it.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Signal sends a signal. A process that has ended does not hear it.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Stop asks the process to end, and ends it when it does not.
func (p *Process) Stop() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.Ended:
	case <-clock.System{}.After(startTime):
		p.Kill()
	}
}

// Kill ends the process at once and returns when it is gone.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.Ended
}

// Peak is the most memory that the process has had resident, in MiB.
func (p *Process) Peak() (float64, error) { return p.memory("VmHWM:") }

// ForgetPeak lets Peak begin anew (proc(5), clear_refs).
func (p *Process) ForgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0o600)
}

// Resident is the memory that the process has resident now, in MiB.
func (p *Process) Resident() (float64, error) { return p.memory("VmRSS:") }

func (p *Process) memory(what string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, what); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 64)
			return n / 1024, err
		}
	}
	return 0, errors.New("the system does not tell the memory of a process")
}
