package gitrepo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// killDelay is how long a killed git may hold its pipes.
const killDelay = 5 * time.Second

// A command is one run of git.
type command struct {
	args []string // subcommand first; nothing of them comes from outside, but object ids, checked refs and URLs behind "--"
	dir  string   // the repository; empty: none
	net  *network // nil: no protocol is allowed, no object is fetched on the way
	in   io.Reader
	// packets has the packets of the smart protocol written to standard error.
	packets bool
}

// A process is git at work. wait or kill must be called, once out was read.
type process struct {
	out    *bufio.Reader
	cmd    *exec.Cmd
	errs   *tail
	hide   *network
	cancel context.CancelFunc
	ctx    context.Context // of the one run that it serves, with the timeout
}

// start runs git. When ctx ends, or the time is up, git and all that it has
// started are killed.
func (c *Client) start(ctx context.Context, run command) (*process, error) {
	if c.refused != nil {
		return nil, c.refused
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.opt.Timeout, errTimeout)
	args := run.args
	if run.dir != "" {
		args = append([]string{"--git-dir=" + run.dir}, args...)
	}
	cmd := exec.CommandContext(limited, c.program, args...)
	cmd.Dir = "/"
	cmd.Env = c.environment(run.net)
	if run.packets {
		cmd.Env = append(cmd.Env, "GIT_TRACE_PACKET=1")
	}
	cmd.Stdin = run.in
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killDelay
	p := &process{cmd: cmd, errs: &tail{}, hide: run.net, cancel: cancel, ctx: limited}
	cmd.Stderr = p.errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, first(context.Cause(ctx), fmt.Errorf("gitrepo: start git: %w", err))
	}
	p.out = bufio.NewReaderSize(out, 64<<10)
	if err := c.confine(c.opt, cmd.Process.Pid); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

var errTimeout = errors.New("took too long")

// wait ends with a commandError when git has failed, and with the cause when it
// was killed.
func (p *process) wait() error {
	defer p.cancel()
	err := p.cmd.Wait()
	if cause := context.Cause(p.ctx); cause != nil && err != nil {
		return cause
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &commandError{text: p.hide.scrub(p.errs.String()), status: exit.ExitCode()}
	}
	return err
}

// kill ends git where nothing more is wanted of it.
func (p *process) kill() {
	p.cancel()
	_ = p.cmd.Wait() // it was killed, which is no news
}

// run is a command whose output, if there is any, is short.
func (c *Client) run(ctx context.Context, run command) (string, error) {
	p, err := c.start(ctx, run)
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(io.LimitReader(p.out, 1<<20))
	if err != nil {
		p.kill()
		return "", first(context.Cause(ctx), err)
	}
	return string(out), p.wait()
}

// runTo is a command whose output is long.
func (c *Client) runTo(ctx context.Context, run command, to io.Writer) error {
	p, err := c.start(ctx, run)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, p.out); err != nil {
		p.kill()
		return first(context.Cause(ctx), err)
	}
	return p.wait()
}

// A commandError is a git that failed, by its own account.
type commandError struct {
	text   string // of standard error, without secrets
	status int
}

func (e *commandError) Error() string { return fmt.Sprintf("git: status %d: %s", e.status, e.text) }

// wantsMemory is what git says when it wants more memory than it may have. What a
// server says of its own follows other words, as "remote: ".
var wantsMemory = regexp.MustCompile(`(?im)^(fatal|error): (out of memory|mmap failed|(in|de)flate\w*: out of memory|unable to access .*: out of memory)`)

// overMemory reports whether git wanted more memory than it may have.
func (e *commandError) overMemory() bool { return wantsMemory.MatchString(e.text) }

// A tail keeps the end of what is written to it, where git says what is wrong.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const maxTail = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if over := len(t.b) - maxTail; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// path is where git finds its helpers.
func (c *Client) path() string { return filepath.Dir(c.program) + ":/usr/bin:/bin" }
