package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/confuse/data-connector/adapters/pipeline/webhook"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

const (
	replayedFiles = 20_000
	liveRounds    = 15
	liveFiles     = 100
	// answerTime is what the receiver takes for each change.
	answerTime = 5 * time.Millisecond
	// webhookKey is what the receiver would check; here nobody does.
	webhookKey = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

func replayLiveFigure() figure {
	return figure{
		name:      "replay_live_p99",
		title:     "From the event of a changed file until stage webhook has handed it on (p99; 15 syncs of 100 files; a receiver that takes 5 ms), while a replay of 20,000 files goes to the same stage as fast as it takes them",
		reference: "the same without a replay",
		measure:   replayLive,
	}
}

// A liveReceiver takes webhooks and notes how old what is new was.
type liveReceiver struct {
	bench *bench

	mu    sync.Mutex
	ages  []float64     // ms
	taken int           // all that is new
	again int           // of a replay
	more  chan struct{} // holds one when something new came
}

// ServeHTTP takes one.
func (r *liveReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var p webhook.Payload
	if err := json.NewDecoder(req.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := r.bench.clock.Now()
	<-r.bench.clock.After(answerTime)
	w.WriteHeader(http.StatusNoContent)
	if p.Type != webhook.TypeFile {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Replay != "" {
		r.again++
		return
	}
	r.taken++
	r.ages = append(r.ages, millis(now.Sub(p.Timestamp)))
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// await waits until n new ones came in all.
func (r *liveReceiver) await(ctx context.Context, n int) error {
	for {
		r.mu.Lock()
		enough := r.taken >= n
		r.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-r.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *liveReceiver) seen() (taken, again int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken, r.again
}

func replayLive(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	n := b.scaled(replayedFiles)
	tree, err := os.MkdirTemp(b.dir, "bench-tree-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tree) }() // temporary files
	if err := testbed.MakeTree(tree, n); err != nil {
		return nil, err
	}
	r := &liveReceiver{bench: b, more: make(chan struct{}, 1)}
	server := httptest.NewServer(r)
	defer server.Close()
	s, err := b.startService(ctx, tree, "WEBHOOK_STAGE_URL="+server.URL, "WEBHOOK_STAGE_SECRET="+webhookKey)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	source, _, err := timeConnect(ctx, s, tree, n)
	if err != nil {
		return nil, err
	}
	if err := r.await(ctx, n); err != nil {
		return nil, err
	}
	live := liveRound{service: s, r: r, source: source, tree: tree, files: min(liveFiles, n)}
	alone, err := live.ages(ctx, b.scaled(liveRounds))
	if err != nil {
		return nil, err
	}
	beside, replayed, err := live.besideReplays(ctx, b.scaled(liveRounds))
	if err != nil {
		return nil, err
	}
	return []figures.Line{
		figures.AtMost("replay_live_p99", "ms", quantile(beside, 0.99), quantile(alone, 0.99), 2, 0),
		figures.AtMost("replay_live_median", "ms", quantile(beside, 0.5), quantile(alone, 0.5), 2, 0),
		figures.Plain("replay_beside_live", "events/s", replayed),
	}, nil
}

// A liveRound changes some files of a source again and again.
type liveRound struct {
	*service
	r            *liveReceiver
	source, tree string
	files        int
	n            int
}

// ages are how old changes were when they were handed on, in so many rounds.
func (l *liveRound) ages(ctx context.Context, rounds int) ([]float64, error) {
	if err := l.round(ctx); err != nil { // the first one warms up
		return nil, err
	}
	l.r.mu.Lock()
	l.r.ages = nil
	l.r.mu.Unlock()
	for range rounds {
		if err := l.round(ctx); err != nil {
			return nil, err
		}
	}
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	return l.r.ages, nil
}

func (l *liveRound) round(ctx context.Context) error {
	before, _ := l.r.seen()
	l.n++
	for i := range l.files {
		if err := os.WriteFile(filepath.Join(l.tree, testbed.TreePath(i)), fmt.Appendf(nil, "round %d\n", l.n), 0o600); err != nil {
			return err
		}
	}
	job, err := l.Sync(ctx, l.source)
	if err != nil {
		return err
	}
	if err := l.Wait(ctx, job); err != nil {
		return err
	}
	return l.r.await(ctx, before+l.files)
}

// besideReplays is ages while replays run, one after the other, and how much these
// handed out in a second.
func (l *liveRound) besideReplays(ctx context.Context, rounds int) ([]float64, float64, error) {
	replaying, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- l.replays(replaying) }()
	for _, before := l.r.seen(); ; {
		if _, now := l.r.seen(); now > before {
			break
		}
		select {
		case err := <-ended:
			stop()
			return nil, 0, err
		case <-l.bench.clock.After(time.Millisecond):
		}
	}
	start := l.bench.clock.Now()
	_, before := l.r.seen()
	ages, err := l.ages(ctx, rounds)
	_, after := l.r.seen()
	speed := rate(after-before, l.bench.elapsed(start))
	select {
	case failed := <-ended: // they go on until they are stopped
		ended <- failed
		err = errors.Join(err, failed)
	default:
	}
	stop()
	<-ended
	if err == nil && after == before {
		err = errors.New("no replay ran beside")
	}
	return ages, speed, err
}

// replays runs replays until ctx ends.
func (l *liveRound) replays(ctx context.Context) error {
	for {
		var r struct{ ID, Status string }
		if err := l.Call(ctx, http.MethodPost, "/replays", map[string]any{"mode": "latest", "stages": []string{webhook.Name}}, &r); err != nil {
			return err
		}
		for r.Status == "running" {
			select {
			case <-l.bench.clock.After(100 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := l.Call(ctx, http.MethodGet, "/replays/"+r.ID, nil, &r); err != nil {
				return err
			}
		}
		if r.Status != "completed" {
			return fmt.Errorf("replay %s is %s", r.ID, r.Status)
		}
	}
}
