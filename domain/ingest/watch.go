package ingest

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

// debounce is how long notices that follow a first one wait: the first runs at
// once, a hundred behind it are one more.
const debounce = 2 * time.Second

// Watches keeps a watch on every source whose connector can give notices, unless
// its option watch is false. Notices are hints; what is missed, the poll finds.
type Watches struct {
	Hints      *Hints
	Index      domain.Index
	Connectors Connectors
	Clock      domain.Clock
	Cache      string          // as the Engine's
	Changed    <-chan struct{} // gets a value when a source has changed
	// Credentials are where those of sources are kept; nil: nowhere.
	Credentials domain.Credentials
	Logger      *slog.Logger

	running map[domain.SourceID]*watching
	broken  map[domain.SourceID]bool // their last watch ended with an error
	ended   chan *watching
}

// A watching is the watch on one source.
type watching struct {
	source domain.SourceID
	scope  domain.Digest // with another config or credential it is begun anew
	stop   context.CancelFunc
	broken bool // it ended with an error
}

// Run watches until ctx ends; then all watches have ended.
func (w *Watches) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.running, w.broken, w.ended = map[domain.SourceID]*watching{}, map[domain.SourceID]bool{}, make(chan *watching)
	for {
		if err := w.adjust(ctx, &all); err != nil && ctx.Err() == nil {
			w.Logger.ErrorContext(ctx, "watching", "err", err)
		}
		select {
		case <-ctx.Done():
			go func() { // nobody waits for ended any more
				for range w.ended {
				}
			}()
			all.Wait()
			close(w.ended)
			return nil
		case over := <-w.ended:
			if w.running[over.source] == over {
				delete(w.running, over.source) // it is begun again at the next look
				w.broken[over.source] = over.broken
			}
		case <-w.Changed:
		}
	}
}

// adjust begins and ends watches, so that they are those of the sources now.
func (w *Watches) adjust(ctx context.Context, all *sync.WaitGroup) error {
	wanted := map[domain.SourceID]bool{}
	for src, err := range w.Index.Candidates(ctx) {
		if err != nil {
			return err
		}
		conn, ok := w.Connectors.Find(string(src.Provider))
		if !ok || src.Waits() || src.Removing || !watched(src.Config) {
			continue
		}
		watcher, ok := conn.(domain.Watcher)
		if !ok {
			continue
		}
		wanted[src.ID] = true
		if now, runs := w.running[src.ID]; runs && now.scope == watchOf(src) {
			continue
		} else if runs {
			now.stop()
		}
		if err := w.begin(ctx, all, watcher, src); err != nil { // options that are no longer allowed: its job says so
			w.Logger.WarnContext(ctx, "not watched", "source", src.ID, "err", err)
		}
	}
	for id, now := range w.running {
		if !wanted[id] {
			now.stop()
		}
	}
	maps.DeleteFunc(w.broken, func(id domain.SourceID, _ bool) bool { return !wanted[id] })
	return nil
}

// watchOf tells one watch of a source from another.
func watchOf(src domain.Source) domain.Digest { return digestOf(string(src.Config), src.CredentialID) }

func watched(config json.RawMessage) bool {
	var c struct {
		Watch *bool `json:"watch"`
	}
	return json.Unmarshal(config, &c) == nil && (c.Watch == nil || *c.Watch)
}

func (w *Watches) begin(ctx context.Context, all *sync.WaitGroup, watcher domain.Watcher, src domain.Source) error {
	scope, _, err := scoper{w.Cache, w.Credentials}.scope(src)
	if err != nil {
		return err
	}
	scope.Fresh = w.broken[src.ID] // nobody knows what it has missed
	delete(w.broken, src.ID)
	ctx, stop := context.WithCancel(ctx)
	now := &watching{source: src.ID, scope: watchOf(src), stop: stop}
	w.running[src.ID] = now
	notices := make(chan domain.Hint, 1)
	all.Go(func() { w.deliver(ctx, src, notices) })
	all.Go(func() {
		defer stop()
		err := watcher.Watch(ctx, scope, func(h domain.Hint) {
			select {
			case notices <- h:
			default: // one waits already
			}
		})
		if now.broken = err != nil && ctx.Err() == nil; now.broken {
			level := slog.LevelWarn
			if scope.Fresh { // as it did before
				level = slog.LevelDebug
			}
			w.Logger.Log(ctx, level, "watch ended; polling goes on", "source", src.ID, "err", err)
			select {
			case <-ctx.Done():
			case <-w.Clock.After(shortestPoll): // not at once again
			}
		}
		w.ended <- now
	})
	return nil
}

// deliver hands notices on: the first at once, those that follow after a while and
// as one. One that the log does not take is tried again.
func (w *Watches) deliver(ctx context.Context, src domain.Source, notices chan domain.Hint) {
	for {
		var hint domain.Hint
		select {
		case <-ctx.Done():
			return
		case hint = <-notices:
		}
		if err := w.Hints.Hint(ctx, src, hint); err != nil && ctx.Err() == nil {
			w.Logger.WarnContext(ctx, "hint", "source", src.ID, "err", err)
			select {
			case notices <- hint:
			default: // one waits already
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-w.Clock.After(debounce):
		}
	}
}
