package rest

import (
	"context"
	"sync"
	"time"
)

// lanes bound how many calls of a key are under way at once, and count how often
// in a row the provider has refused one without saying for how long.
type lanes struct {
	most int
	mu   sync.Mutex
	all  map[string]*lane
}

type lane struct {
	users   int
	slots   chan struct{}
	strikes int
}

func newLanes(most int) *lanes { return &lanes{most: most, all: map[string]*lane{}} }

// enter waits for a place. leave gives it back.
func (l *lanes) enter(ctx context.Context, key string) (leave func(), err error) {
	l.mu.Lock()
	in := l.all[key]
	if in == nil {
		in = &lane{slots: make(chan struct{}, l.most)}
		l.all[key] = in
	}
	in.users++
	l.mu.Unlock()
	select {
	case in.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-in.slots; l.quit(key, in) }), nil
	case <-ctx.Done():
		l.quit(key, in)
		return nil, ctx.Err()
	}
}

func (l *lanes) quit(key string, in *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in.users--; in.users == 0 && in.strikes == 0 {
		delete(l.all, key)
	}
}

// struck is how long to stay away: a minute, doubled with each refusal in a row,
// at most an hour, as GitHub asks for.
func (l *lanes) struck(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := l.all[key]
	if in == nil {
		return time.Minute
	}
	in.strikes = min(in.strikes+1, 7)
	return min(time.Minute<<(in.strikes-1), maxRest)
}

func (l *lanes) welcome(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in := l.all[key]; in != nil {
		in.strikes = 0
	}
}
