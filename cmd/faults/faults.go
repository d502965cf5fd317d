// Package faults takes hold of a service at named points: it ends or stops the
// process there, lets a step fail, or turns the clock. A [Plan] says what happens
// where; the wiring of cmd/data-connector hands it in.
//
// No binary that is shipped imports it: the service that can be hurt is the test
// binary of cmd/data-connector, which is the command when its environment asks
// for that.
//
// # Why
//
// A process that is killed at a random moment dies where it spends its time, which
// is hardly ever between two writes. The points are those gaps.
package faults

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// A Point is a place between two writes.
type Point string

// The points.
const (
	BeforeClaim    Point = "before claim"    // decided on, not on the log
	AfterClaim     Point = "after claim"     // on the log, not known to be folded
	BeforePack     Point = "before pack"     // the content of a page is read, not durable
	AfterPack      Point = "after pack"      // durable, nothing names it
	MidPage        Point = "mid page"        // one half of a page is on the log
	BeforeProgress Point = "before progress" // a page is on the log, its cursor is not
	BeforeHint     Point = "before hint"     // the hints of a delivery are nowhere
	AfterInbox     Point = "after inbox"     // they are in the inbox, not on the log; nobody was told
	BeforeRelay    Point = "before relay"    // they are in the inbox, not on the log
	AfterRelay     Point = "after relay"     // they are in both

	// Start is passed once, before anything else.
	Start Point = "start"

	InProjector = Point(projections.PointInBatch) // checkpoint and rows are written, not committed
	InSwap      = Point(projections.PointInSwap)  // the new read tables have the names, not committed
)

// Delivery is the header with the id of a delivery to /webhooks/localfs, which only a
// service that can be hurt takes; the first line of its body is the path of a folder.
const Delivery = "X-Test-Delivery"

// Variables of the environment of a service that can be hurt.
const (
	// Child makes the test binary the command, when it is 1.
	Child = "DATA_CONNECTOR_TEST_CHILD"
	// Planned is the text of a plan.
	Planned = "DATA_CONNECTOR_TEST_FAULTS"
	// Via is an address that is dialled instead of any broker's.
	Via = "DATA_CONNECTOR_TEST_BROKERS_VIA"
)

// errRefused is the word of a server that does not take anything.
var errRefused = errors.New("refused, as the plan says")

// Actions of a rule.
const (
	kill   = "kill"   // SIGKILL
	stop   = "stop"   // SIGSTOP: it goes on with SIGCONT
	full   = "full"   // the step fails as on a full disk
	refuse = "refuse" // the step fails as when a server refuses it
	tell   = "tell"   // nothing
	clock  = "clock"  // followed by a duration: the clock is that much wrong from here on
)

// A Plan is what is to happen. It may be used concurrently.
type Plan struct {
	out io.Writer

	mu    sync.Mutex
	rules []rule
	seen  map[Point]int
	step  time.Duration
}

// A rule acts when a point is passed for the time at.
type rule struct {
	point  Point
	at     int // from 1; 0: each time
	action string
}

// hits tells whether r acts when its point is passed for the nth time.
func (r rule) hits(point Point, n int) bool { return r.point == point && (r.at == n || r.at == 0) }

// Parse reads a plan: rules "point@n=action" with commas between them, for the nth
// time that the point is passed; for n = 0, for each time. The actions are kill, stop,
// full, refuse, tell, and clock with a duration: clock+1h. Each action is told to out
// as a line of JSON before.
func Parse(text string, out io.Writer) (*Plan, error) {
	p := &Plan{out: out, seen: map[Point]int{}}
	for one := range strings.SplitSeq(text, ",") {
		where, action, ok := strings.Cut(one, "=")
		point, times, counted := strings.Cut(where, "@")
		n, err := strconv.Atoi(times)
		if !ok || !counted || err != nil {
			return nil, fmt.Errorf("fault %q is not point@n=action", one)
		}
		p.rules = append(p.rules, rule{point: Point(point), at: n, action: action})
	}
	return p, p.At(Start)
}

// At is called where a point is passed. It returns the error that the step is to
// fail with.
func (p *Plan) At(point Point) error {
	action, ok := p.pass(point)
	if !ok {
		return nil
	}
	_, _ = fmt.Fprintf(p.out, "{\"fault\":%q,\"action\":%q}\n", point, action) // who reads it may be gone
	switch action {
	case kill:
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL) // nobody is left to hear of an error
		select {}
	case stop:
		return stopHere()
	case tell:
		return nil
	case full:
		return fmt.Errorf("%s: %w", point, syscall.ENOSPC)
	case refuse:
		return fmt.Errorf("%s: %w", point, errRefused)
	}
	step, err := time.ParseDuration(strings.TrimPrefix(action, clock))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step = step
	return err
}

// stopHere stops the process. It returns when that goes on: the signal stops every
// thread, but this one only a while later, and it would come past its point.
func stopHere() error {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGSTOP); err != nil {
		return err
	}
	<-goesOn
	return nil
}

// pass counts and finds the rule.
func (p *Plan) pass(point Point) (action string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[point]++
	for _, r := range p.rules {
		if r.hits(point, p.seen[point]) {
			return r.action, true
		}
	}
	return "", false
}

// Clock is base, as wrong as the plan makes it. Its timers are right: the step is
// one of the wall clock.
func (p *Plan) Clock(base domain.Clock) domain.Clock { return wrong{base, p} }

type wrong struct {
	domain.Clock
	plan *Plan
}

// Now implements domain.Clock.
func (w wrong) Now() time.Time {
	w.plan.mu.Lock()
	defer w.plan.mu.Unlock()
	return w.Clock.Now().Add(w.plan.step)
}
