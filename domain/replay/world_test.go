package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
	"github.com/confuse/data-connector/domain/wire"
)

// A span is where the events of a run count.
type span struct{ from, to int64 }

// A world is a log and the tables that follow from it, with one replay of it.
type world struct {
	log     map[int32][]domain.Record
	sources map[domain.SourceID]domain.Source
	spans   map[domain.RunID]span
	gone    map[string]bool // packs that were collected
	times   map[domain.Position]time.Time

	mu     sync.Mutex
	now    replay.Replay
	epoch  int64
	until  time.Time // of the lease
	ended  chan struct{}
	sent   []replay.Sending
	sends  int
	fails  int // one send of so many fails; 0: none does
	behind int64
	away   bool                        // no stage runs
	before func()                      // is called before anything is sent
	fold   func(context.Context) error // is called to wait for the fold
}

func newWorld(partitions int32) *world {
	w := &world{
		log: map[int32][]domain.Record{}, sources: map[domain.SourceID]domain.Source{}, spans: map[domain.RunID]span{},
		gone: map[string]bool{}, times: map[domain.Position]time.Time{}, ended: make(chan struct{}), before: func() {}, fold: func(context.Context) error { return nil },
	}
	for p := range partitions {
		w.log[p] = nil
	}
	return w
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func (w *world) source(owner domain.OwnerID, partition int32) domain.Source {
	s := domain.Source{ID: domain.SourceID{UUID: uuid.New()}, Owner: owner, Partition: partition}
	w.sources[s.ID] = s
	return s
}

// claim begins a run of s, which ends the one before.
func (w *world) claim(s domain.Source) domain.Source {
	end := int64(len(w.log[s.Partition]))
	if at, ok := w.spans[s.RunID]; ok {
		w.spans[s.RunID] = span{at.from, end}
	}
	s.Run, s.RunID, s.Seq = s.Run+1, domain.RunID{UUID: uuid.New()}, 0
	w.spans[s.RunID] = span{end, 1 << 62}
	w.put(s.Partition, noon, domain.SourceChanged{SourceID: s.ID, OwnerID: s.Owner, Change: domain.SourceSyncStarted, Run: s.Run, RunID: s.RunID})
	return s
}

func (w *world) put(partition int32, at time.Time, e domain.Event) {
	pos := domain.Position{Partition: partition, Offset: int64(len(w.log[partition]))}
	rec := domain.Record{Position: pos, Event: e, Headers: map[string]string{wire.HeaderTime: at.Format(time.RFC3339Nano)}}
	w.log[partition] = append(w.log[partition], rec)
	w.times[pos] = at
}

// counts is replay.Counts.
func (w *world) counts(e domain.FileChanged, offset int64) bool {
	at, ok := w.spans[e.RunID]
	return ok && at.from < offset && offset < at.to
}

// rows are the tables: the last event of each file, removed ones too.
func (w *world) rows() map[domain.FileID]domain.Record {
	rows := map[domain.FileID]domain.Record{}
	for _, records := range w.log {
		for _, rec := range records {
			e, ok := rec.Event.(domain.FileChanged)
			if !ok || !w.counts(e, rec.Position.Offset) {
				continue
			}
			if old, seen := rows[e.FileID]; !seen || fileOf(old).Revised().Before(e.Revised()) {
				rows[e.FileID] = rec
			}
		}
	}
	return rows
}

func fileOf(r domain.Record) domain.FileChanged {
	e, _ := r.Event.(domain.FileChanged)
	return e
}

// A process runs replays. Once it has made so many steps it is dead: nothing that
// it does has an effect any more.
type process struct {
	*world
	cancel context.CancelFunc
	left   int // 0: it does not die
}

var (
	errDead   = errors.New("this process is dead")
	errSecret = errors.New("postgres at 10.0.0.7:5432 does not answer")
)

// step is one call of a port.
func (p *process) step() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.left < 0:
		return errDead
	case p.left == 1:
		p.left = -1
		p.cancel()
		return errDead
	case p.left > 1:
		p.left--
	}
	return nil
}

// serve runs replays in a process that dies after so many steps, or ends with ctx.
func (w *world) serve(ctx context.Context, steps int, stages ...string) <-chan error {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{w, cancel, steps}
	r := &replay.Runner{
		Claims: p, Records: p, Packs: p, Source: p.Source, Wait: p.wait, Places: p.places, Counts: p.countsBetween, Send: p.send,
		Behind: p.isBehind, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Stages: func(context.Context) ([]string, error) { return p.running(stages), p.step() },
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return ended
}

// order keeps a replay as Service.Start does.
func (w *world) order(o replay.Order) {
	if o.Mode == "" {
		o.Mode = replay.Latest
	}
	if o.Selector.Sources == nil {
		for _, s := range w.sources {
			if s.Owner == o.Owner {
				o.Selector.Sources = append(o.Selector.Sources, s.ID)
			}
		}
	}
	w.now = replay.Replay{ID: replay.ID{UUID: uuid.New()}, Order: o, Status: replay.Running, CreatedAt: clock.System{}.Now()}
}

// run carries out an order in one process.
func (w *world) run(t *testing.T, o replay.Order) replay.Replay {
	t.Helper()
	w.order(o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := w.serve(ctx, 0)
	<-w.ended
	cancel()
	<-ended
	return w.now
}

// change is what people do.
func (w *world) change(to replay.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.now.Status.Ended() {
		w.now.Status = to
	}
}

func (w *world) look() replay.Replay {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time pass for all that run in a bubble of synctest: its clock moves
// when everybody waits, so nobody does.
func pass(d time.Duration) { <-time.After(d) }

// claims is how often the replay was claimed.
func (w *world) claims() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.epoch
}

func (w *world) paths() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var paths []string
	for _, s := range w.sent {
		paths = append(paths, fileOf(s.Record).Path)
	}
	return paths
}

// Claim implements replay.Claims.
func (p *process) Claim(context.Context) (replay.Claim, bool, error) {
	if err := p.step(); err != nil {
		return replay.Claim{}, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := clock.System{}.Now()
	if p.now.Status != replay.Running || now.Before(p.until) {
		return replay.Claim{}, false, nil
	}
	p.epoch, p.until = p.epoch+1, now.Add(replay.Lease)
	c := replay.Claim{Replay: p.now, Epoch: p.epoch}
	c.Progress = copyOf(p.now.Progress)
	return c, true, nil
}

// copyOf is p as it comes out of the database.
func copyOf(p replay.Progress) (c replay.Progress) {
	text, err := json.Marshal(p)
	if err = errors.Join(err, json.Unmarshal(text, &c)); err != nil {
		panic(err)
	}
	return c
}

// Hold implements replay.Claims.
func (p *process) Hold(_ context.Context, _ replay.ID, epoch int64) (replay.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.left < 0:
		return "", errDead
	case p.epoch != epoch:
		return "", domain.ErrFenced
	}
	p.until = clock.System{}.Now().Add(replay.Lease)
	return p.now.Status, nil
}

// Save implements replay.Claims.
func (p *process) Save(_ context.Context, c replay.Claim, hold time.Duration) (replay.Status, error) {
	if err := p.step(); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.Epoch != p.epoch {
		return "", domain.ErrFenced
	}
	p.now.Progress, p.now.Error, p.until = copyOf(c.Progress), c.Error, clock.System{}.Now().Add(hold)
	if p.now.Status == replay.Running && c.Status.Ended() {
		p.now.Status, p.now.EndedAt = c.Status, c.EndedAt
		close(p.ended)
	}
	return p.now.Status, nil
}

func (p *process) Read(_ context.Context, partition int32, from, to int64) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		for _, rec := range p.log[partition][from:to] {
			if err := p.step(); err != nil {
				yield(domain.Record{}, err)
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

func (p *process) OffsetsAt(_ context.Context, at time.Time) (map[int32]int64, error) {
	offsets := map[int32]int64{}
	for partition, records := range p.log {
		n := slices.IndexFunc(records, func(r domain.Record) bool { return !p.times[r.Position].Before(at) })
		if offsets[partition] = int64(n); n < 0 {
			offsets[partition] = int64(len(records))
		}
	}
	return offsets, p.step()
}

func (p *process) Ends(context.Context) (map[int32]int64, error) {
	ends := map[int32]int64{}
	for partition, records := range p.log {
		ends[partition] = int64(len(records))
	}
	return ends, p.step()
}

func (p *process) Source(_ context.Context, id domain.SourceID) (domain.Source, error) {
	if s, ok := p.sources[id]; ok {
		return s, p.step()
	}
	return domain.Source{}, fmt.Errorf("%s: %w", id, domain.ErrSourceNotFound)
}

func (p *process) wait(ctx context.Context, _ domain.Position) error {
	return errors.Join(p.fold(ctx), p.step())
}

func (p *process) places(_ context.Context, files []domain.FileID) (map[domain.FileID]domain.Position, error) {
	p.mu.Lock()
	rows := p.rows()
	p.mu.Unlock()
	places := map[domain.FileID]domain.Position{}
	for _, id := range files {
		if rec, ok := rows[id]; ok && fileOf(rec).Change != domain.FileRemoved {
			places[id] = rec.Position
		}
	}
	return places, p.step()
}

func (p *process) countsBetween(context.Context, int32, int64, int64) (replay.Counts, error) {
	return p.counts, p.step()
}

// Has is blob.Store.
func (p *process) Has(_ context.Context, pack string) (bool, error) { return !p.gone[pack], p.step() }

// send may die before what it sends is there, or behind it.
func (p *process) send(_ context.Context, _ string, _ replay.ID, records []replay.Sending) (map[int32]int64, error) {
	if err := p.step(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	if p.sends++; p.fails > 0 && p.sends%p.fails == 0 {
		p.mu.Unlock()
		return nil, errSecret
	}
	p.before()
	p.sent = append(p.sent, records...)
	ends := map[int32]int64{0: int64(len(p.sent))}
	p.mu.Unlock()
	return ends, p.step()
}

// running is replay.Runner.Stages.
func (p *process) running(stages []string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		return []string{}
	}
	return stages
}

func (p *process) isBehind(context.Context, string, map[int32]int64) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.behind, nil
}

// sorted are the values of a map in the order of their keys.
func sorted[V any](m map[int32]V) []V {
	var values []V
	for _, k := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[k])
	}
	return values
}
