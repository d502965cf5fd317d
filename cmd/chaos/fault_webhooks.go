package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

const (
	senders      = 64
	repeatOneIn  = 20 // one in so many deliveries is sent again
	showerKills  = 8
	outage       = time.Minute
	deliverySize = 1 << 10
	replay       = "replay-"             // begins the ids of deliveries that somebody has caught
	retryTime    = 20 * time.Millisecond // a sender waits before it sends again what was not taken
)

// showered lets deliveries come while the service is killed and the brokers are
// away, and looks what became of each.
func showered(ctx context.Context, c *chaos, name string) (lines []figures.Line, err error) {
	err = testbed.WithForge(ctx, c.dir, func(ctx context.Context, f *testbed.Forge) error {
		lines, err = c.shower(ctx, f, name)
		return err
	})
	return lines, err
}

// shower is showered on a forge.
func (c *chaos) shower(ctx context.Context, f *testbed.Forge, name string) (lines []figures.Line, err error) {
	w, err := newWire(ctx, c.servers.Brokers[0], c.clock)
	if err != nil {
		return nil, err
	}
	defer w.close()
	sc, err := c.newScene(ctx, c.servers, 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sc.close(ctx)) }()
	s := &shower{
		scene: sc, forge: f, wire: w, n: int64(c.deliveries), outage: outage, kills: showerKills,
		more: append(f.Variables(), faults.Via+"="+w.address(), "POLL_INTERVAL=1h"),
		turn: make(chan struct{}),
	}
	if c.short {
		s.outage, s.kills = 4*time.Second, 2
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	start := c.clock.Now()
	if err := s.all(ctx); err != nil {
		return nil, err
	}
	took := time.Since(start)
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	v, err := s.verdict(ctx)
	lines = append(v.lines(name), figures.Plain(name+"_sent_again", "deliveries", float64(s.repeats.Load())),
		figures.Plain(name+"_kills", "kills", float64(s.killed)), figures.Plain(name+"_rate", "deliveries/s", float64(s.n)/took.Seconds()))
	return lines, err
}

// A shower is many deliveries about one repository.
type shower struct {
	*scene
	forge  *testbed.Forge
	wire   *wire // to the brokers
	n      int64
	outage time.Duration
	kills  int
	more   []string // variables of the service
	killed int
	pushed int

	next, done, repeats atomic.Int64

	mu   sync.Mutex
	url  string        // of the service; empty: it does not run
	turn chan struct{} // closed when url changes
}

// begin connects the repository.
func (s *shower) begin(ctx context.Context) error {
	s.push()
	p, err := s.revive(ctx, "")
	if err != nil {
		return err
	}
	if s.source, s.job, err = p.ConnectForge(ctx, s.forge); err != nil {
		return err
	}
	return p.Wait(ctx, s.job)
}

// push changes the repository.
func (s *shower) push() {
	s.pushed++
	s.forge.Repo.Commit("main", gittest.Put("pushed", fmt.Sprint(s.pushed)))
}

// revive starts the service; senders find it.
func (s *shower) revive(ctx context.Context, plan string) (*testbed.Process, error) {
	p, err := s.start(ctx, plan, s.more...)
	if err == nil {
		s.move(p.URL)
	}
	return p, err
}

// kill ends the service, or waits until it has ended by its plan.
func (s *shower) kill(p *testbed.Process, byPlan bool) error {
	if byPlan {
		select {
		case <-p.Ended:
		case <-s.clock.After(pointTime):
			return errors.New("the relay does not come to its point")
		}
	}
	s.move("")
	p.Kill()
	s.killed++
	return nil
}

// move tells the senders where the service is.
func (s *shower) move(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
	close(s.turn)
	s.turn = make(chan struct{})
}

// address is where the service is, once it is anywhere.
func (s *shower) address(ctx context.Context) (string, error) {
	for {
		s.mu.Lock()
		url, turn := s.url, s.turn
		s.mu.Unlock()
		if url != "" {
			return url, nil
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// all sends everything while the service suffers.
func (s *shower) all(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	for range senders {
		group.Go(func() error { return s.send(ctx, client) })
	}
	group.Go(func() error { return s.suffer(ctx) })
	return group.Wait()
}

// send is one sender. What was taken is sent again now and then: as it was, as a
// provider does it, or under another id, as who has caught it would.
func (s *shower) send(ctx context.Context, client *http.Client) error {
	for n := s.next.Add(1); n <= s.n; n = s.next.Add(1) {
		body := s.forge.Push(n, deliverySize)
		ids := []string{fmt.Sprint(n)}
		switch n % (2 * repeatOneIn) {
		case 0:
			ids = append(ids, ids[0])
		case repeatOneIn:
			ids = append(ids, replay+ids[0])
		}
		for _, id := range ids {
			if err := s.insist(ctx, client, id, body); err != nil {
				return err
			}
		}
		s.repeats.Add(int64(len(ids) - 1))
		s.done.Add(1)
	}
	return nil
}

// insist sends a delivery until it is taken, for longer than anything lasts that
// happens to the service: one that takes nothing any more is an error.
func (s *shower) insist(ctx context.Context, client *http.Client, id string, body []byte) error {
	begun := s.clock.Now()
	for {
		url, err := s.address(ctx)
		if err != nil {
			return err
		}
		req, err := s.forge.Delivery(ctx, url, id, body)
		if err != nil {
			return err
		}
		if err = testbed.Send(client, req); err == nil {
			return nil
		}
		if s.clock.Now().Sub(begun) > finishTime {
			return fmt.Errorf("delivery %s was not taken for %s: %w", id, finishTime, err)
		}
		select { // killed, or neither log nor database took it
		case <-s.clock.After(retryTime):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// suffer kills the service in the first half, takes the brokers away in the
// middle, kills it twice while the inbox is relayed, and goes on killing it.
func (s *shower) suffer(ctx context.Context) error {
	p := s.scene.all[len(s.scene.all)-1]
	plans := make([]string, s.kills)
	plans[s.kills/2-1] = string(faults.AfterRelay) + "@1=kill" // of the service that sees the outage
	for i, plan := range plans {
		if err := s.reach(ctx, s.n*int64(i+1)/int64(s.kills+2)); err != nil {
			return err
		}
		s.push()
		if err := s.kill(p, false); err != nil {
			return err
		}
		var err error
		if p, err = s.revive(ctx, plan); err == nil && plan != "" {
			p, err = s.cutOff(ctx, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cutOff takes the brokers away for a while. When they are back the service dies
// behind the relay of hints to the log, and the next one before it.
func (s *shower) cutOff(ctx context.Context, p *testbed.Process) (*testbed.Process, error) {
	s.wire.refuse(true)
	select {
	case <-s.clock.After(s.outage):
	case <-ctx.Done():
		return p, ctx.Err()
	}
	s.wire.refuse(false)
	for _, plan := range []string{string(faults.BeforeRelay) + "@1=kill", ""} {
		if err := s.kill(p, true); err != nil {
			return p, err
		}
		var err error
		if p, err = s.revive(ctx, plan); err != nil {
			return p, err
		}
	}
	return p, nil
}

// reach waits until so many deliveries were taken.
func (s *shower) reach(ctx context.Context, n int64) error {
	for s.done.Load() < n {
		select {
		case <-s.clock.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// look is how often it is asked whether something has come.
const look = 10 * time.Millisecond
