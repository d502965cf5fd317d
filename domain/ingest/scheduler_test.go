package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A queue is a queue in memory that hands out tickets in their order.
type queue struct {
	mu       sync.Mutex
	tickets  map[domain.SourceID]domain.Ticket
	leased   map[domain.SourceID]bool
	enqueued chan struct{} // one for each ticket that waits
	released chan time.Time
	fenced   bool
	wanted   bool          // others wait
	extended chan struct{} // gets a value with each heartbeat; nil: none
	epoch    int           // grows when it is flushed
}

func newQueue() *queue {
	return &queue{
		tickets: map[domain.SourceID]domain.Ticket{}, leased: map[domain.SourceID]bool{},
		enqueued: make(chan struct{}, 100), released: make(chan time.Time, 100),
	}
}

func (q *queue) Enqueue(_ context.Context, tickets ...domain.Ticket) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range tickets {
		if _, ok := q.tickets[t.Source]; !ok {
			q.enqueued <- struct{}{}
		}
		q.tickets[t.Source] = t
	}
	return nil
}

func (q *queue) Claim(ctx context.Context, _ string, token domain.RunID) (domain.Lease, error) {
	select {
	case <-ctx.Done():
		return domain.Lease{}, ctx.Err()
	case <-q.enqueued:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, t := range q.tickets {
		if !q.leased[id] {
			q.leased[id] = true
			return domain.Lease{Ticket: t, Token: token}, nil
		}
	}
	panic("a ticket was announced and is not there")
}

func (q *queue) Extend(ctx context.Context, _ domain.Lease) (wanted bool, err error) {
	if q.extended != nil {
		select {
		case q.extended <- struct{}{}:
		case <-ctx.Done():
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fenced {
		return false, domain.ErrFenced
	}
	return q.wanted, nil
}

func (q *queue) Release(_ context.Context, l domain.Lease, again time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.tickets, l.Source)
	delete(q.leased, l.Source)
	q.released <- again
	return nil
}

func (q *queue) Epoch(context.Context) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return strconv.Itoa(q.epoch), nil
}

func (q *queue) Forget(context.Context, string) error { return nil }
func (q *queue) Reap(context.Context) (int, error)    { return 0, nil }

func (q *queue) Held(context.Context) (map[domain.SourceID]domain.JobID, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	held := map[domain.SourceID]domain.JobID{}
	for id, t := range q.tickets {
		held[id] = t.Job
	}
	return held, nil
}

func (q *queue) flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range q.tickets {
		<-q.enqueued
	}
	clear(q.tickets)
	q.epoch++
}

func (b *bench) scheduler(q domain.Queue) *ingest.Scheduler {
	return &ingest.Scheduler{Log: b.Log, Index: b.Rows, Queue: q, Clock: b.Clock, Logger: slog.New(slog.DiscardHandler)}
}

func (b *bench) append(e domain.SourceChanged, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	id, err := domain.NewEventID()
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.Log.Append(b.t.Context(), domain.Message{ID: id, Time: e.At, Partition: b.Source(b.source).Partition, Event: e}); err != nil {
		b.t.Fatal(err)
	}
}

func TestSchedulerFillsTheQueue(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	q := newQueue()
	s := b.scheduler(q)
	for range 2 { // a flushed queue is filled again
		if err := s.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		held, _ := q.Held(t.Context())
		if held[b.source] != b.Source(b.source).Jobs[0].ID {
			t.Fatalf("got %v in the queue, want job %s", held, b.Source(b.source).Jobs[0].ID)
		}
		q.flush()
	}
	b.run()
	if err := s.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if held, _ := q.Held(t.Context()); len(held) != 0 {
		t.Errorf("got %v in the queue, want nothing once the job has ended", held)
	}
}

// A flushed queue is filled again within seconds, though nothing was heard.
func TestSchedulerNoticesAFlush(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	q := newQueue()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.scheduler(q).Run(ctx) }()
	for range 2 {
		<-q.enqueued
		q.enqueued <- struct{}{}
		if err := b.Clock.Waiting(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		q.flush()
		b.Clock.Turn(10 * time.Second)
	}
	<-q.enqueued
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A hint leads to one job, also when it comes while a run is under way.
func TestHintLeadsToOneJob(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	s := b.scheduler(newQueue())
	b.run()
	for range 2 {
		b.append(b.Source(b.source).Hinted(domain.Hint{Origin: "webhook"}, b.Clock.Now()))
	}
	for range 3 {
		if err := s.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	jobs := b.Source(b.source).Jobs
	if len(jobs) != 1 || jobs[0].Trigger != domain.TriggerHint {
		t.Fatalf("got jobs %+v, want one by the hints", jobs)
	}
	b.run()
	if err := s.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if jobs := b.Source(b.source).Jobs; len(jobs) != 0 {
		t.Errorf("got jobs %+v, want none: the run has seen the hints", jobs)
	}
}

// A hint is one request, however often its scheduler looks before that is folded, and
// the job of another scheduler's is the same one. The ticket goes out with the
// request: who takes it waits for the fold.
func TestHintIsRequestedOnce(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	q := newQueue()
	one, other := b.scheduler(q), b.scheduler(q)
	b.run()
	b.append(b.Source(b.source).Hinted(domain.Hint{Origin: "webhook"}, b.Clock.Now()))
	b.Rows.Pause()
	before := len(b.Log.Records(b.source))
	look := func(s *ingest.Scheduler) int {
		t.Helper()
		if err := s.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(b.Log.Records(b.source)) - before
	}
	for range 3 {
		if got := look(one); got != 1 {
			t.Fatalf("got %d requests, want one", got)
		}
	}
	held, _ := q.Held(t.Context())
	if held[b.source] == (domain.JobID{}) {
		t.Error("the job is not in the queue before its request is folded")
	}
	look(other)
	b.Clock.Turn(time.Minute)
	if got := look(one); got != 3 {
		t.Errorf("got %d requests, want another one when nothing is folded for a minute", got)
	}
	b.Rows.Resume()
	if jobs := b.Source(b.source).Jobs; len(jobs) != 1 || jobs[0].ID != held[b.source] {
		t.Errorf("got jobs %+v, want the one of the ticket, %s", jobs, held[b.source])
	}
	b.run()
	if jobs := b.Source(b.source).Jobs; len(jobs) != 0 {
		t.Errorf("got jobs %+v, want none", jobs)
	}
}

// A run that others wait for gives way behind a page after its turn, and goes on
// there: every file is told of once.
func TestRunGivesWay(t *testing.T) {
	t.Parallel()

	b := newBench(t, &paged{&fed{provider: &provider{files: tree(30), pageSize: 10}}, make(chan int, 10), make(chan struct{})}, anyConfig)
	conn := b.engine.Connectors[0].(*paged)
	q := newQueue()
	q.wanted, q.extended = true, make(chan struct{})
	s := b.scheduler(q)
	w := ingest.Worker{Name: "w", Queue: q, Engine: b.engine, Logger: slog.New(slog.DiscardHandler)}
	go func() { _ = w.Run(t.Context()) }() // ends with the test
	go func() {
		for b.Clock.Waiting(t.Context(), 1) == nil { // until the test ends
			b.Clock.Turn(3 * time.Second)
		}
	}()
	for turn, want := range []int{30, 20, 10} {
		if err := s.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-conn.listing; got != want {
			t.Errorf("turn %d: got a listing of %d files, want %d", turn, got, want)
		}
		for range 4 { // one may be of the run before; of the others two are over
			<-q.extended
		}
		conn.page <- struct{}{}
		again := <-q.released
		if last := turn == 2; again.IsZero() != last {
			t.Errorf("turn %d: got claimed again at %s", turn, again)
		}
	}
	if got := len(b.Log.Files(b.source)); got != 30 || len(b.Tree(b.source)) != 30 {
		t.Errorf("got %d events and %d files, want 30", got, len(b.Tree(b.source)))
	}
}

// paged is a provider whose listings wait before their first page.
type paged struct {
	*fed
	listing chan int // gets how many files a listing has
	page    chan struct{}
}

func (p *paged) Snapshot(ctx context.Context, s domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	left := len(p.files)
	for name := range p.files {
		if name <= strings.Trim(string(resume.Opaque), `"`) {
			left--
		}
	}
	p.listing <- left
	select {
	case <-p.page:
	case <-ctx.Done():
		return ctx.Err()
	}
	return p.fed.Snapshot(ctx, s, resume, sink)
}

// A feed that cannot go on between its pages is read to its end, whoever waits: two
// of them would give way to each other for ever.
func TestRunDoesNotGiveWayForNothing(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(20), pageSize: 5}
	b := newBench(t, whole{&fed{provider: p}}, anyConfig)
	b.run()
	for name := range p.files {
		p.files[name] += "!"
		p.log = append(p.log, name)
	}
	b.Request(b.source, domain.SyncIncremental)
	runs, last := 0, b.Source(b.source).Run
	for ; runs < 10 && len(b.Source(b.source).Jobs) > 0; runs++ {
		token, err := domain.NewRunID()
		if err != nil {
			t.Fatal(err)
		}
		lease := domain.Lease{Ticket: domain.Ticket{Source: b.source}, Token: token}
		_, _ = b.engine.RunUntil(t.Context(), lease, func() bool { return true }) // what it came to is in the rows
	}
	src := b.Source(b.source)
	if len(src.Jobs) > 0 || src.Run-last != int64(runs) || runs > 2 {
		t.Errorf("got jobs %+v after %d runs, want none after at most 2", src.Jobs, runs)
	}
	if got := len(b.Log.Files(b.source)); got != 40 {
		t.Errorf("got %d events, want 40", got)
	}
}

// whole is a feed whose cursor moves only with its last page.
type whole struct{ *fed }

func (w whole) Changes(ctx context.Context, s domain.Scope, from domain.Cursor, sink domain.Sink) error {
	return w.fed.Changes(ctx, s, from, unmoved{sink, from, w.cursor(len(w.log))})
}

type unmoved struct {
	domain.Sink
	from, end domain.Cursor
}

func (u unmoved) Page(ctx context.Context, p domain.Page) error {
	if string(p.Next.Opaque) != string(u.end.Opaque) {
		p.Next = u.from
	}
	return u.Sink.Page(ctx, p)
}

// A worker runs what is queued and gives it back; losing its lease stops the run.
func TestWorker(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	q := newQueue()
	if err := b.scheduler(q).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	w := ingest.Worker{Name: "w", Queue: q, Engine: b.engine, Slots: 2, Logger: slog.New(slog.DiscardHandler)}
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	if again := <-q.released; !again.IsZero() {
		t.Errorf("got claimed again at %s, want never", again)
	}
	if len(b.Tree(b.source)) != 3 {
		t.Errorf("got %d files, want 3", len(b.Tree(b.source)))
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("got error %v from a stopped worker", err)
	}
}

func TestLostLeaseStopsTheRun(t *testing.T) {
	t.Parallel()

	b := newBench(t, &stuck{&provider{files: tree(3)}, make(chan struct{}, 10)}, anyConfig)
	q := newQueue()
	q.fenced = true
	if err := b.scheduler(q).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := ingest.Worker{Name: "w", Queue: q, Engine: b.engine, Logger: slog.New(slog.DiscardHandler)}
	go func() { _ = w.Run(t.Context()) }() // ends with the test
	if err := b.Clock.Waiting(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	b.Clock.Turn(time.Minute)
	<-q.released
	if s := b.Source(b.source); len(s.Jobs) != 1 || s.Failure != nil {
		t.Errorf("got %+v, want the job open and no failure", s)
	}
}

// A job that is cancelled stops in the middle of its listing.
func TestCancelStopsTheListing(t *testing.T) {
	t.Parallel()

	conn := &stuck{&provider{files: tree(3)}, make(chan struct{}, 10)}
	b := newBench(t, conn, anyConfig)
	q := newQueue()
	if err := b.scheduler(q).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := ingest.Worker{Name: "w", Queue: q, Engine: b.engine, Logger: slog.New(slog.DiscardHandler)}
	go func() { _ = w.Run(t.Context()) }() // ends with the test
	job := b.Source(b.source).Jobs[0].ID
	go func() {
		for b.Clock.Waiting(t.Context(), 1) == nil { // until the test ends
			b.Clock.Turn(time.Minute)
		}
	}()
	<-conn.listing
	b.append(b.Source(b.source).Cancel(job, b.Clock.Now()))
	if again := <-q.released; !again.IsZero() {
		t.Errorf("got claimed again at %s, want never", again)
	}
}

// stuck is a provider whose listing never ends by itself.
type stuck struct {
	*provider
	listing chan struct{} // gets a value when a listing begins
}

func (s *stuck) Snapshot(ctx context.Context, _ domain.Scope, _ domain.Cursor, _ domain.Sink) error {
	s.listing <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// Trouble with the content store is waited for, however long it lasts.
func TestContentStoreRefuses(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	store := b.engine.Packs
	b.engine.Packs = full{store}
	for range 20 {
		if err := b.once(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v, want that the disk is full", err)
		}
		jobs := b.Source(b.source).Jobs
		if len(jobs) != 1 || jobs[0].Failure == nil {
			t.Fatalf("got jobs %+v, want one that waits", jobs)
		}
		b.Clock.Turn(jobs[0].RetryAt.Sub(b.Clock.Now()))
	}
	b.engine.Packs = store
	if got := b.run(); len(got) != 3 {
		t.Errorf("got %v once there was room, want 3 files", got)
	}
}

// A machine that lacks what the connector needs is waited for, however long it lasts.
func TestUnfitMachine(t *testing.T) {
	t.Parallel()

	p := &lacking{provider: &provider{files: tree(3)}}
	b := newBench(t, p, anyConfig)
	p.err = fmt.Errorf("git: %w", &domain.UnfitError{Reason: "git 1.2 is too old"})
	for range 20 {
		if err := b.once(); !errors.Is(err, p.err) {
			t.Fatalf("got %v, want what the machine lacks", err)
		}
		jobs := b.Source(b.source).Jobs
		if len(jobs) != 1 || jobs[0].Failure == nil || !strings.Contains(jobs[0].Failure.Message, "git 1.2 is too old") {
			t.Fatalf("got jobs %+v, want one that waits and says why", jobs)
		}
		b.Clock.Turn(jobs[0].RetryAt.Sub(b.Clock.Now()))
	}
	p.err = nil
	if got := b.run(); len(got) != 3 {
		t.Errorf("got %v on a machine that will do, want 3 files", got)
	}
}

// A lacking is a provider that cannot be read on this machine.
type lacking struct {
	*provider
	err error
}

func (l *lacking) Validate(ctx context.Context, s domain.Scope) (domain.Identity, error) {
	if l.err != nil {
		return domain.Identity{}, l.err
	}
	return l.provider.Validate(ctx, s)
}

// full is a content store on a full disk.
type full struct{ domain.Packs }

func (f full) Create(ctx context.Context, name string) (domain.PackWriter, error) {
	w, err := f.Packs.Create(ctx, name)
	return fullWriter{w}, err
}

type fullWriter struct{ domain.PackWriter }

func (fullWriter) Commit(context.Context) error { return syscall.ENOSPC }

// A failed attempt waits before the next one, and a job that fails too often has
// failed for good.
func TestAttempts(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3), breakAt: 1, breakWith: domain.ErrTransient, truncate: true, twice: true}, `{"root":"r","includePaths":["nothing"]}`)
	var delays []time.Duration
	for len(b.Source(b.source).Jobs) > 0 {
		if len(delays) > 10 {
			t.Fatal("the job never fails for good")
		}
		_ = b.once() // fails
		if jobs := b.Source(b.source).Jobs; len(jobs) > 0 {
			delays = append(delays, jobs[0].RetryAt.Sub(b.Clock.Now()))
			b.Clock.Turn(delays[len(delays)-1])
		}
	}
	if s := b.Source(b.source); s.Status() != domain.StatusFailed || s.Failure.Code != domain.CodeTransient {
		t.Errorf("got status %s, failure %+v", s.Status(), s.Failure)
	}
	for i, d := range delays {
		if d <= 0 {
			t.Errorf("attempt %d: got delay %s, want a wait", i+1, d)
		}
	}
}
