package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A forge is a provider that keeps webhooks.
type forge struct {
	hooked
	made   map[string]domain.Hook // by id
	calls  int
	refuse error
	die    bool // behind the next call, before its answer

	undelivered []string // delivery ids that failed, by the provider's log
	looks       int
}

func (f *forge) Undelivered(_ context.Context, _ domain.Scope, hook, after string) (bool, string, error) {
	f.looks++
	if _, there := f.made[hook]; !there {
		return false, after, domain.ErrGone
	}
	n, _ := strconv.Atoi(after) // 0: the start
	return len(f.undelivered) > n, strconv.Itoa(len(f.undelivered)), f.refuse
}

var errDied = errors.New("died")

func (f *forge) EnsureHook(_ context.Context, s domain.Scope, want domain.Hook) (domain.Hook, error) {
	f.calls++
	if s.Credential == nil || f.refuse != nil {
		return domain.Hook{}, errors.Join(f.refuse, domain.ErrForbidden)
	}
	if _, there := f.made[want.ID]; !there {
		want.ID = ""
		for id, h := range f.made {
			if h.URL == want.URL {
				want.ID = id
			}
		}
	}
	if want.ID == "" {
		want.ID = fmt.Sprint("hook-", f.calls)
	}
	f.made[want.ID] = want
	if f.die {
		f.die = false
		return domain.Hook{}, errDied
	}
	return want, nil
}

func (f *forge) RemoveHook(_ context.Context, _ domain.Scope, id string) error {
	delete(f.made, id)
	return f.refuse
}

// An office is a registrar in a world with one source.
type office struct {
	*ingest.Registrar
	world  *connectortest.World
	forge  *forge
	hooks  *hookRows
	source domain.Source
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{world: connectortest.NewWorld(t), hooks: &hookRows{rows: map[domain.SourceID]ingest.SourceHook{}}}
	o.forge = &forge{hooked: hooked{&provider{}}, made: map[string]domain.Hook{}}
	o.source = o.world.Connect(domain.Source{Provider: "memory", Owner: "alice", ExternalKey: "repo-1", Config: []byte(`{}`)})
	o.append(t, func(s domain.Source) (domain.SourceChanged, error) {
		return s.AttachCredential("cred-1", "", o.world.Clock.Now())
	})
	o.Registrar = &ingest.Registrar{
		Log: o.world.Log, Index: o.world.Rows, Hooks: o.hooks, Connectors: ingest.Connectors{o.forge}, Credentials: &vault{}, Clock: o.world.Clock,
		Cache: t.TempDir(), PublicURL: "https://dc.example.com/base/", Logger: slog.New(slog.DiscardHandler),
		Turn: func(context.Context, string, time.Duration) (bool, error) { return true, nil },
	}
	return o
}

func (o *office) append(t *testing.T, decide func(domain.Source) (domain.SourceChanged, error)) {
	t.Helper()
	e, err := decide(o.now())
	if err != nil {
		t.Fatal(err)
	}
	id, err := domain.NewEventID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.world.Log.Append(t.Context(), domain.Message{ID: id, Partition: o.source.Partition, Event: e}); err != nil {
		t.Fatal(err)
	}
}

func (o *office) now() domain.Source { return o.world.Source(o.source.ID) }

func (o *office) row() ingest.SourceHook { return o.hooks.rows[o.source.ID] }

// right reports what is not as it should be: one hook at the provider, with the
// address and secret of the row, and its id in row and fold.
func (o *office) right(t *testing.T) {
	t.Helper()
	row := o.row()
	if len(o.forge.made) != 1 {
		t.Fatalf("got hooks %v at the provider, want one", o.forge.made)
	}
	for id, h := range o.forge.made {
		want := "https://dc.example.com/base/webhooks/memory/" + row.Key
		if h.URL != want || h.Secret != row.Secret || row.HookID != id || o.now().HookID != id || len(row.Key) != 32 || row.Failure != "" {
			t.Errorf("got %s at %s, row %+v, fold %q", id, h.URL, row, o.now().HookID)
		}
	}
}

func (o *office) once(t *testing.T) {
	t.Helper()
	if err := o.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A hook is made once, looked at now and then, repaired when it is gone, and given
// another secret when that is old.
func TestRegistrar(t *testing.T) {
	t.Parallel()

	o := newOffice(t)
	o.once(t)
	o.right(t)
	o.once(t)
	if o.forge.calls != 1 {
		t.Errorf("got %d calls, want that a hook that is right is left alone", o.forge.calls)
	}
	first, secret := o.row().HookID, o.row().Secret
	clear(o.forge.made) // somebody deletes it
	o.world.Clock.Turn(7 * time.Hour)
	o.once(t)
	o.right(t)
	if o.row().HookID == first || o.now().Version != 3 {
		t.Errorf("got hook %q, version %d, want that it was renewed", o.row().HookID, o.now().Version)
	}
	o.world.Clock.Turn(91 * 24 * time.Hour)
	o.once(t)
	o.right(t)
	if o.row().Secret == secret || len(o.row().Active(o.world.Clock.Now())) != 2 {
		t.Error("want a new secret, and the old one still good")
	}
	o.PublicURL = "https://dc.example.com/base" // the same place
	o.once(t)
	o.right(t)
}

// A delivery that failed by the provider's own log is a hint, once; the log is not
// read all the time, and trouble with it is none for anything else.
func TestRegistrarReadsDeliveries(t *testing.T) {
	t.Parallel()

	o := newOffice(t)
	for i, step := range []struct {
		failed []string
		refuse error
		hints  int
	}{
		{nil, nil, 0}, {nil, nil, 0}, {[]string{"a"}, nil, 1}, {nil, nil, 1}, {[]string{"b"}, domain.ErrTransient, 1}, {nil, nil, 2},
	} {
		o.forge.undelivered = append(o.forge.undelivered, step.failed...)
		o.forge.refuse = step.refuse
		o.once(t)
		o.once(t) // within the same ten minutes
		hints := 0
		for _, r := range o.world.Log.Records(o.source.ID) {
			if e, ok := r.Event.(domain.SourceChanged); ok && e.Hint != nil && e.Hint.Origin == "deliveries" {
				hints++
			}
		}
		if hints != step.hints {
			t.Errorf("%d: got %d hints, want %d", i, hints, step.hints)
		}
		o.world.Clock.Turn(10 * time.Minute)
	}
	if o.forge.looks > 6 {
		t.Errorf("got %d looks in an hour, want one in ten minutes", o.forge.looks)
	}
	o.right(t)
}

// A sharing is a forge with a log of what it has sent to the address of all sources.
type sharing struct {
	*forge
	failed int // deliveries, all of them about every source
}

func (s *sharing) UndeliveredToAll(_ context.Context, _ domain.Scope, after string) (bool, string, error) {
	n, _ := strconv.Atoi(after) // 0: the start
	return s.failed > n, strconv.Itoa(s.failed), nil
}

// Where a source has no webhook of its own, the log of the address that all share is
// read for it, whether it has a credential or not; where it has one, that of its own.
func TestRegistrarReadsSharedDeliveries(t *testing.T) {
	t.Parallel()

	o := newOffice(t)
	app := &sharing{forge: o.forge}
	o.Connectors = ingest.Connectors{app}
	open := o.world.Connect(domain.Source{Provider: "memory", Owner: "alice", ExternalKey: "repo-2", Config: []byte(`{}`)}).ID
	hints := func(id domain.SourceID) (n int) {
		for _, r := range o.world.Log.Records(id) {
			if e, ok := r.Event.(domain.SourceChanged); ok && e.Hint != nil && e.Hint.Origin == "deliveries" {
				n++
			}
		}
		return n
	}
	for i, step := range []struct {
		failed    int
		refuse    error
		own, none int // hints of the source with a credential, and of that without
	}{
		{0, domain.ErrForbidden, 0, 0}, {1, domain.ErrForbidden, 1, 1}, {1, domain.ErrForbidden, 1, 1}, {2, nil, 2, 2}, {3, nil, 2, 3},
	} {
		app.failed, o.forge.refuse = step.failed, step.refuse
		o.world.Clock.Turn(25 * time.Hour) // whatever was refused is asked again
		o.once(t)
		if own, none := hints(o.source.ID), hints(open); own != step.own || none != step.none {
			t.Errorf("%d: got %d and %d hints, want %d and %d", i, own, none, step.own, step.none)
		}
	}
	o.right(t)
}

// A secret that the provider does not have from the registrar is never replaced by
// it: one that somebody has set there by hand, nor the second one while the provider
// could not be told of it.
func TestRegistrarKeepsWhatTheProviderSignsWith(t *testing.T) {
	t.Parallel()

	fits := func(o *office, secret domain.Secret) bool {
		return slices.Contains(o.row().Active(o.world.Clock.Now()), secret)
	}
	o := newOffice(t)
	made, err := (&ingest.SourceHooks{Hooks: o.hooks, Index: o.world.Rows, Clock: o.world.Clock}).Make(t.Context(), "alice", o.source.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.forge.refuse = domain.ErrForbidden
	for range 200 {
		o.world.Clock.Turn(24 * time.Hour)
		o.once(t)
	}
	if !fits(o, made.Secret) {
		t.Error("the secret that was set by hand is not good any more")
	}

	o = newOffice(t)
	o.once(t)
	first := o.row().Secret
	o.forge.refuse = domain.ErrTransient
	for range 300 {
		o.world.Clock.Turn(24 * time.Hour)
		o.once(t)
	}
	if !fits(o, first) {
		t.Error("the secret that the provider has is not good any more")
	}
	o.forge.refuse = nil
	o.world.Clock.Turn(25 * time.Hour)
	o.once(t)
	o.right(t)
}

// Wherever it dies, the next look finds what is there and finishes: one hook at
// the provider, one in the row, one in the fold.
func TestRegistrarCut(t *testing.T) {
	t.Parallel()

	for name, cut := range map[string]func(o *office) (heal func()){
		"behind the row":      func(o *office) func() { o.forge.refuse = domain.ErrTransient; return func() { o.forge.refuse = nil } },
		"behind the provider": func(o *office) func() { o.forge.die = true; return func() {} },
		"before the event":    func(o *office) func() { o.world.Log.CutAfter(0); return o.world.Log.Heal },
		"before the row":      func(o *office) func() { o.hooks.down = errDied; return func() { o.hooks.down = nil } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			o := newOffice(t)
			heal := cut(o)
			o.once(t)
			heal()
			o.world.Clock.Turn(time.Hour) // past the pause behind a failure
			o.once(t)
			o.right(t)
		})
	}
}

// No permission is told, not tried again and again, and harms nothing.
func TestRegistrarWithoutPermission(t *testing.T) {
	t.Parallel()

	o := newOffice(t)
	o.forge.refuse = domain.ErrForbidden
	for range 5 {
		o.once(t)
	}
	if o.forge.calls != 1 || !strings.Contains(o.row().Failure, "may not manage webhooks") || o.now().HookID != "" {
		t.Errorf("got %d calls, row %+v", o.forge.calls, o.row())
	}
	for range 10 {
		o.world.Clock.Turn(24 * time.Hour)
		o.once(t)
	}
	if o.forge.calls != 11 {
		t.Errorf("got %d calls in ten days, want one a day", o.forge.calls)
	}
	o.forge.refuse = nil
	o.world.Clock.Turn(24 * time.Hour)
	o.once(t)
	o.right(t)
}

// It leaves alone what is not its own to look after.
func TestRegistrarLeavesAlone(t *testing.T) {
	t.Parallel()

	for name, prepare := range map[string]func(o *office){
		"another one's turn": func(o *office) {
			o.Turn = func(context.Context, string, time.Duration) (bool, error) { return false, nil }
		},
		"a paused source": func(o *office) {
			o.append(t, func(s domain.Source) (domain.SourceChanged, error) { return s.Pause(o.world.Clock.Now()) })
		},
		"one that is being removed": func(o *office) {
			o.append(t, func(s domain.Source) (domain.SourceChanged, error) { return s.RequestRemoval(o.world.Clock.Now()) })
		},
	} {
		o := newOffice(t)
		prepare(o)
		o.once(t)
		if o.forge.calls != 0 {
			t.Errorf("%s: got %d calls", name, o.forge.calls)
		}
	}
}

// Removing a source takes the hook with it; a provider that refuses does not stop
// that, and doing it again is harmless.
func TestRegistrarForgets(t *testing.T) {
	t.Parallel()

	for _, refusal := range []error{nil, domain.ErrForbidden} {
		o := newOffice(t)
		o.once(t)
		o.append(t, func(s domain.Source) (domain.SourceChanged, error) { return s.RequestRemoval(o.world.Clock.Now()) })
		o.forge.refuse = refusal
		for range 2 {
			if err := o.Forget(t.Context(), o.now()); err != nil {
				t.Fatal(err)
			}
		}
		if len(o.hooks.rows) != 0 || len(o.forge.made) != 0 {
			t.Errorf("got rows %v and hooks %v", o.hooks.rows, o.forge.made)
		}
		recs := o.world.Log.Records(o.source.ID)
		if e, ok := recs[len(recs)-1].Event.(domain.SourceChanged); !ok || e.Change != domain.SourceHookRemoved || e.HookID != "hook-1" {
			t.Errorf("got %+v last on the log", recs[len(recs)-1].Event)
		}
	}
}

// An address made by hand keeps its key when the secret changes, and is the
// owner's alone.
func TestSourceHooks(t *testing.T) {
	t.Parallel()

	o := newOffice(t)
	m := &ingest.SourceHooks{Hooks: o.hooks, Index: o.world.Rows, Clock: o.world.Clock, PublicURL: "https://dc.example.com"}
	first, err := m.Make(t.Context(), "alice", o.source.ID)
	if err != nil || first.URL != "https://dc.example.com/webhooks/memory/"+first.Key || len(first.Secret) != 64 {
		t.Fatalf("got %+v, %v", first, err)
	}
	second, err := m.Make(t.Context(), "alice", o.source.ID)
	if err != nil || second.Key != first.Key || second.Secret == first.Secret || second.Previous != first.Secret {
		t.Errorf("got %+v, %v, want the same address with another secret", second, err)
	}
	if shown, err := m.Show(t.Context(), "alice", o.source.ID); err != nil || shown.Secret != "" || shown.Previous != "" || shown.Key != first.Key {
		t.Errorf("got %+v, %v", shown, err)
	}
	if _, err := m.Make(t.Context(), "bob", o.source.ID); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("another owner: got %v", err)
	}
	if _, err := m.Show(t.Context(), "bob", o.source.ID); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("another owner: got %v", err)
	}
}
