package ingest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// replaced is a bench whose 30 files have all become others since its sync.
func replaced(t *testing.T) *bench {
	t.Helper()
	p := &provider{files: map[string]string{}, pageSize: 10}
	for path, content := range tree(30) {
		p.files["old/"+path] = "old " + content
	}
	b := newBench(t, p, anyConfig)
	b.run()
	p.files = tree(30)
	return b
}

// What is held stays held: files that were added meanwhile do not open the valve.
func TestValveStaysClosed(t *testing.T) {
	t.Parallel()

	b := replaced(t)
	b.sync(domain.SyncIncremental)
	if got := b.sync(domain.SyncIncremental); len(got) != 0 || b.Source(b.source).Held == nil {
		t.Errorf("got %d events and held %v, want the deletes held still", len(got), b.Source(b.source).Held)
	}
}

// Nor do those that a run has added before it died.
func TestValveOfACutRun(t *testing.T) {
	t.Parallel()

	b := replaced(t)
	b.Request(b.source, domain.SyncIncremental)
	b.Log.CutAfter(31)
	if err := b.once(); err == nil {
		t.Fatal("got no error from a cut run")
	}
	b.Log.Heal()
	b.run()
	if held := b.Source(b.source).Held; held == nil || held.Count != 30 || len(b.Tree(b.source)) != 60 {
		t.Errorf("got held %v and %d files, want 30 of 60 held", held, len(b.Tree(b.source)))
	}
}

// A file that becomes a link has no content any more.
func TestFileBecomesLink(t *testing.T) {
	t.Parallel()

	p := &provider{files: map[string]string{"a": "1", "b": "2"}, links: map[string]string{}}
	b := newBench(t, p, anyConfig)
	b.run()
	delete(p.files, "a")
	p.links["a"] = "target"
	b.sync(domain.SyncIncremental)
	if got := b.Tree(b.source)["a"]; got != "symlink:target" {
		t.Errorf("got %q, want a link without content", got)
	}
}

// Each run that puts one page on the log has made progress, however it ends.
func TestProgressIsNoAttempt(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(25), pageSize: 3, breakAt: 1, breakWith: domain.ErrTransient}
	b := newBench(t, p, anyConfig)
	for i := range 6 {
		if err := b.once(); err == nil {
			t.Fatal("got no error from a broken listing")
		}
		s := b.Source(b.source)
		if len(s.Jobs) != 1 || s.Jobs[0].Attempt != 0 || s.Totals.Files != int64(3*(i+1)) {
			t.Fatalf("run %d: got %d files, jobs %+v, want %d files and no attempt counted", i+1, s.Totals.Files, s.Jobs, 3*(i+1))
		}
		b.Clock.Turn(time.Hour)
	}
}

// A resetting is a feed that breaks off behind one page, which says that a is gone.
type resetting struct {
	*fed
	once sync.Once
}

func (r *resetting) Changes(ctx context.Context, s domain.Scope, from domain.Cursor, sink domain.Sink) (err error) {
	r.once.Do(func() {
		err = sink.Page(ctx, domain.Page{Changes: []domain.Change{{Item: domain.Item{Path: []byte("a")}, Deleted: true}}})
		err = errors.Join(err, domain.ErrCursorReset)
	})
	if err != nil {
		return err
	}
	return r.fed.Changes(ctx, s, from, sink)
}

// resuming lets a paused fold go on as soon as somebody waits for it.
type resuming struct{ *connectortest.Rows }

func (r resuming) Wait(ctx context.Context, p domain.Position) error {
	r.Resume()
	return r.Rows.Wait(ctx, p)
}

// A comparison behind pages of the same run sees them, also while the projector
// lags.
func TestComparisonBehindPages(t *testing.T) {
	t.Parallel()

	p := &provider{files: map[string]string{"a": "1", "k": "2"}, pageSize: 10}
	b := newBench(t, &fed{provider: p}, anyConfig)
	b.run()
	delete(p.files, "a")
	b.engine.Connectors, b.engine.Folds = ingest.Connectors{&resetting{fed: &fed{provider: p}}}, resuming{b.Rows}
	b.Request(b.source, domain.SyncIncremental)
	b.Log.Interrupt(func(m []domain.Message) (int, error) {
		if _, file := m[0].Event.(domain.FileChanged); file {
			b.Log.AfterAppend(b.Rows.Pause)
		}
		return len(m), nil
	})
	before := len(b.Log.Files(b.source))
	if err := b.once(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("removed a", strings.Join(lines(b.Log.Files(b.source)[before:]), ",")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A hint of a move is not believed while nothing says that the old file is gone.
func TestWrongHint(t *testing.T) {
	t.Parallel()

	p := &provider{files: map[string]string{"a": "1", "b": "2"}, pageSize: 1, moved: map[string]string{"b": "a"}}
	b := newBench(t, p, anyConfig)
	b.run()
	if diff := cmp.Diff(p.files, b.Tree(b.source)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// In a feed the page that says so is enough: the file keeps its id.
func TestRenameInAFeed(t *testing.T) {
	t.Parallel()

	p := &provider{files: map[string]string{"a": "1"}, pageSize: 5}
	b := newBench(t, &fed{provider: p}, anyConfig)
	b.run()
	before := b.ids()
	p.files, p.moved, p.log = map[string]string{"b": "2"}, map[string]string{"b": "a"}, append(p.log, "a", "b")
	if got := b.sync(domain.SyncIncremental); strings.Join(got, ",") != "renamed a -> b" || b.ids()["b"] != before["a"] {
		t.Errorf("got %q with id %s, want it renamed under %s", got, b.ids()["b"], before["a"])
	}
}

// An item that failed is tried again by the next sync, though no feed tells of it.
func TestFailedItemOfAFeed(t *testing.T) {
	t.Parallel()

	p := &provider{files: map[string]string{"a": "1"}, pageSize: 5}
	b := newBench(t, &fed{provider: p}, anyConfig)
	b.run()
	p.files["b"], p.log, p.unread = "2", append(p.log, "b"), map[string]bool{"b": true}
	b.sync(domain.SyncIncremental)
	p.unread = nil
	if got := b.sync(domain.SyncIncremental); strings.Join(got, ",") != "added b" {
		t.Errorf("got %q, want b added", got)
	}
	if b.Source(b.source).Cursor.Unread {
		t.Error("the cursor still says that something could not be read")
	}
}

// A source whose first job failed for good is looked at again by the poll.
func TestPollOfANeverSynced(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(3), pageSize: 1, truncate: true}
	b := newBench(t, p, anyConfig)
	for len(b.Source(b.source).Jobs) > 0 {
		_ = b.once() // fails
		b.Clock.Turn(time.Hour)
	}
	b.Clock.Turn(24 * time.Hour)
	if err := b.poller(p).Once(t.Context()); err != nil || b.Source(b.source).BehindHint == 0 {
		t.Errorf("got %v and no hint, want another look", err)
	}
}

// A source can be removed when nothing is left that could read it.
func TestRemoveWithoutConnector(t *testing.T) {
	t.Parallel()

	b, s, req := changing(t, &provider{files: tree(3)})
	b.run()
	if _, err := s.Remove(t.Context(), ingest.RemoveRequest{Owner: req.Owner, Source: b.source}); err != nil {
		t.Fatal(err)
	}
	b.engine.Connectors = nil
	b.run()
	if !b.Source(b.source).Removed {
		t.Error("the source is not removed")
	}
}

// Whatever the provider says, it is left alone for a while, and the job goes on.
func TestRateLimited(t *testing.T) {
	t.Parallel()

	for name, until := range map[string]time.Time{"past": time.Unix(0, 0), "never": {}} {
		p := &provider{files: tree(3), pageSize: 1, breakAt: 1, breakWith: &domain.RateLimitedError{Until: until}}
		b := newBench(t, p, anyConfig)
		if err := b.once(); err == nil {
			t.Fatal("got no error from a provider that limits")
		}
		if jobs := b.Source(b.source).Jobs; len(jobs) != 1 || !jobs[0].RetryAt.After(b.Clock.Now()) {
			t.Errorf("%s: got jobs %+v, want one that waits", name, jobs)
		}
	}
}

// An attempt that failed while the clock was wrong is not waited for until the time
// that it told: neither by the queue nor by who has the job from there.
func TestFailedByAnotherClock(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(3), pageSize: 1, breakAt: 1, breakWith: domain.ErrTransient}
	b := newBench(t, p, anyConfig)
	b.Clock.Turn(time.Hour)
	if err := b.once(); err == nil {
		t.Fatal("got no error from a broken listing")
	}
	b.Clock.Turn(-time.Hour)
	q := newQueue()
	if err := b.scheduler(q).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if wait := q.tickets[b.source].NotBefore.Sub(b.Clock.Now()); wait <= 0 || wait > time.Minute {
		t.Errorf("got a ticket that waits %s, want the delay of a first attempt", wait)
	}
	p.breakAt = 0
	if got := b.run(); len(got) != 2 {
		t.Errorf("got %v of the job that the queue has given out, want the 2 files behind the first page", got)
	}
}

// A claim that is on the log and not in the rows yet, of a process that died over it,
// does not make the next one lose.
func TestClaimBehindOneThatIsNotFolded(t *testing.T) {
	t.Parallel()

	b := newBench(t, &provider{files: tree(3)}, anyConfig)
	old := b.Source(b.source)
	dead, err := domain.NewRunID()
	if err != nil {
		t.Fatal(err)
	}
	b.append(old.Claim(dead, b.Clock.Now()))
	b.engine.Index = &late{Index: b.engine.Index, old: old}
	token, err := domain.NewRunID()
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.engine.Run(t.Context(), domain.Lease{Ticket: domain.Ticket{Source: b.source, Job: old.Jobs[0].ID}, Token: token})
	if err != nil || len(b.Source(b.source).Jobs) > 0 {
		t.Errorf("got %v and jobs %+v, want that the job is done", err, b.Source(b.source).Jobs)
	}
}

// A late index answers once as it was.
type late struct {
	domain.Index
	old domain.Source
}

func (l *late) Source(ctx context.Context, id domain.SourceID) (domain.Source, error) {
	if l.old.ID == id {
		old := l.old
		l.old = domain.Source{}
		return old, nil
	}
	return l.Index.Source(ctx, id)
}

// A command that was refused has not been carried out, under whatever key.
func TestRefusedUnderAKey(t *testing.T) {
	t.Parallel()

	_, s, req := changing(t, &provider{files: tree(3)})
	req.Key = "k"
	for range 2 {
		if _, err := s.ReleaseDeletes(t.Context(), req); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("got %v with nothing held, want ErrConflict", err)
		}
	}
}

// A removal that died before its append is carried out when it is repeated, though
// other jobs came in between.
func TestRemoveAgainUnderAKey(t *testing.T) {
	t.Parallel()

	b, s, req := changing(t, &provider{files: tree(3)})
	b.run()
	remove := ingest.RemoveRequest{Owner: req.Owner, Source: b.source, Key: "k"}
	b.Log.CutAfter(0)
	if _, err := s.Remove(t.Context(), remove); err == nil {
		t.Fatal("got no error from a cut command")
	}
	b.Log.Heal()
	b.sync(domain.SyncIncremental)
	if a, err := s.Remove(t.Context(), remove); err != nil || !a.Source.Removing {
		t.Errorf("got %+v, %v, want the removal", a.Source, err)
	}
}

// A job that somebody wants now leaves the queue now.
func TestRetryReachesTheQueue(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(3), pageSize: 1, breakAt: 1, breakWith: domain.ErrTransient}
	b, s, req := changing(t, p)
	q := newQueue()
	scheduler := b.scheduler(q)
	if err := b.once(); err == nil {
		t.Fatal("got no error from a broken listing")
	}
	for _, hurry := range []bool{false, true} {
		if hurry {
			if _, err := s.RetryJob(t.Context(), ingest.JobRequest{Owner: req.Owner, Job: b.Source(b.source).Jobs[0].ID}); err != nil {
				t.Fatal(err)
			}
		}
		if err := scheduler.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if at := q.tickets[b.source].NotBefore; at.IsZero() != hurry {
			t.Errorf("hurry %v: got a ticket for %s", hurry, at)
		}
	}
}

// A run ends when its context does, also while items are read ahead.
func TestCancelledWhileReading(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(50), pageSize: 50}
	b := newBench(t, p, anyConfig)
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	p.fetching = func() {
		if p.fetches.Load() > 5 {
			once.Do(cancel)
		}
	}
	token, err := domain.NewRunID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Run(ctx, domain.Lease{Ticket: domain.Ticket{Source: b.source}, Token: token}); err == nil {
		t.Error("got no error from a cancelled run")
	}
}
