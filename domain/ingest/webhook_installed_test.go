package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// What is told of an installation reaches the sources that it opens, whoever owns
// them and whether or not their objects are named; that it gives access again is told
// to no other one.
func TestWebhookForAnInstallation(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	operators := d.connect("host-a/1", `{"installationId":"0034"}`)
	own := d.connect("host-a/2", `{}`)
	d.attach(t, own, "34")
	token := d.connect("host-a/3", `{"installationId":"34"}`) // has a credential of its own, so that no app opens it
	d.attach(t, token, "")
	d.put(t, d.connect("host-a/4", `{"installationId":"34"}`), func(s domain.Source) (domain.SourceChanged, error) {
		return s.RequestRemoval(d.world.Clock.Now())
	})
	d.connect("host-b/1", `{"installationId":"34"}`)
	d.connect("host-a/5", `{"installationId":"345"}`)
	type told map[domain.SourceID]bool // and whether access is given
	for _, tt := range []struct {
		p    payload
		want told
	}{
		{payload{Event: "suspend"}, told{operators: false, own: false}},
		{payload{Event: "unsuspend", Access: true}, told{operators: true, own: true}},
		{payload{Event: "added", Access: true, Keys: []string{"host-a/3", "host-a/1"}}, told{operators: true, own: true, token: false}},
		{payload{Event: "removed", Keys: []string{"host-a/3"}}, told{operators: false, own: false, token: false}},
	} {
		tt.p.Installation = domain.Installation{ID: "34", Place: "host-a/"}
		a := arrival("", shared, tt.p.Event, tt.p)
		if got, err := d.Take(t.Context(), a); err != nil || got.Hints != len(tt.want) {
			t.Errorf("%s: got %+v, %v, want %d hints", tt.p.Event, got, err, len(tt.want))
		}
		for _, source := range []domain.SourceID{operators, own, token} {
			_, hints := d.hints(source)
			access, want := tt.want[source]
			if n := len(hints); want != (n > 0 && hints[n-1].DeliveryID == tt.p.Event) || want && hints[n-1].Access != access {
				t.Errorf("%s: source %s: got %+v, want a hint: %v, access: %v", tt.p.Event, source, hints, want, access)
			}
		}
		if got, err := d.Take(t.Context(), a); err != nil || got.Hints != 0 || got.Repeated != len(tt.want) {
			t.Errorf("%s again: got %+v, %v", tt.p.Event, got, err)
		}
	}
	other := payload{Event: "unsuspend", Access: true, Installation: domain.Installation{ID: "35", Place: "host-a/"}}
	if got, err := d.Take(t.Context(), arrival("", shared, "d", other)); err != nil || got.Hints != 0 || got.Ignored == "" {
		t.Errorf("an installation that opens nothing: got %+v, %v", got, err)
	}
}

// At the address of one source an installation means that source alone, and only when
// it opens it.
func TestWebhookForAnInstallationAtOneAddress(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	another := d.connect("repo-2", `{"installationId":"34"}`)
	d.attach(t, d.source.ID, "34")
	for id, want := range map[string]int{"35": 0, "34": 1} {
		p := payload{Event: "unsuspend", Access: true, Installation: domain.Installation{ID: id, Place: "repo-"}}
		if got, err := d.Take(t.Context(), arrival(address, private, "d-"+id, p)); err != nil || got.Hints != want {
			t.Errorf("installation %s: got %+v, %v, want %d hints", id, got, err, want)
		}
	}
	if _, hints := d.hints(another); len(hints) > 0 {
		t.Errorf("got hints %+v at another source", hints)
	}
	d.Installed = noRows{}
	p := payload{Event: "suspend", Installation: domain.Installation{ID: "34", Place: "repo-"}}
	if _, err := d.Take(t.Context(), arrival("", shared, "d", p)); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got %v while the rows cannot be read, want ErrUnavailable", err)
	}
}

// noRows is a table that cannot be read.
type noRows struct{}

func (noRows) InstalledSources(context.Context, domain.Provider, string) iter.Seq2[domain.Source, error] {
	return func(yield func(domain.Source, error) bool) { yield(domain.Source{}, errors.New("no connection")) }
}

// connect connects a source of an owner of its own.
func (d *desk) connect(key, config string) domain.SourceID {
	return d.world.Connect(domain.Source{Provider: "memory", Owner: domain.OwnerID("owner of " + key), ExternalKey: key, Config: json.RawMessage(config)}).ID
}

// attach opens a source with a credential that speaks for an installation; empty: for
// none.
func (d *desk) attach(t *testing.T, source domain.SourceID, installation string) {
	t.Helper()
	d.put(t, source, func(s domain.Source) (domain.SourceChanged, error) {
		return s.AttachCredential("cred-1", installation, d.world.Clock.Now())
	})
}

func (d *desk) put(t *testing.T, source domain.SourceID, decide func(domain.Source) (domain.SourceChanged, error)) {
	t.Helper()
	src := d.world.Source(source)
	e, err := decide(src)
	if err != nil {
		t.Fatal(err)
	}
	id, err := domain.NewEventID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.world.Log.Append(t.Context(), domain.Message{ID: id, Partition: src.Partition, Event: e}); err != nil {
		t.Fatal(err)
	}
}

// A careless is a guarded provider whose probe asks nobody.
type careless struct{ *guarded }

// Changed implements domain.Prober.
func (careless) Changed(context.Context, domain.Scope, domain.Cursor) (bool, error) { return true, nil }

// Access that comes back without a word, such as when no webhook gets through, is
// found by a poll, where an installation of an app opens the source; whoever else has a
// credential that was refused waits for another one.
func TestPollOfASuspendedInstallation(t *testing.T) {
	t.Parallel()

	for installation, reopens := range map[string]bool{"34": true, "": false} {
		s := newSafe(t)
		app := domain.Credential{Kind: domain.CredentialApp, Secret: "good", Settings: map[string]string{"installation_id": installation}}
		if _, err := s.service.AttachCredential(t.Context(), ingest.CredentialRequest{Owner: "alice", Source: s.source, Credential: app}); err != nil {
			t.Fatal(err)
		}
		s.run()
		s.conn.token = "suspended"
		s.Request(s.source, domain.SyncIncremental)
		if err := s.once(); !errors.Is(err, domain.ErrUnauthorized) || !s.Source(s.source).CredentialExpired {
			t.Fatalf("got %v, source %+v", err, s.Source(s.source))
		}
		poller := s.poller(careless{s.conn})
		poller.Credentials = s.vault
		scheduler := s.scheduler(newQueue())
		poll := func() bool {
			t.Helper()
			s.Clock.Turn(8 * time.Hour)
			if err := errors.Join(poller.Once(t.Context()), scheduler.Once(t.Context())); err != nil {
				t.Fatal(err)
			}
			return !s.Source(s.source).CredentialExpired
		}
		if poll() {
			t.Error("the source goes on while it is refused")
		}
		s.conn.token = "good"
		if got := poll(); got != reopens {
			t.Errorf("installation %q: got open again %v, want %v", installation, got, reopens)
		}
		if src := s.Source(s.source); reopens {
			if s.run(); s.Source(s.source).Status() != domain.StatusSynced || src.Jobs[0].RetryAt != (time.Time{}) {
				t.Errorf("got source %+v, want the job that waited done", s.Source(s.source))
			}
		}
	}
}

// A source that is refused while access is told of is not left behind: wherever that
// stands on the log, and however often it is told, one credential_attached follows it,
// and none without another word.
func TestAccessDuringARun(t *testing.T) {
	t.Parallel()

	s := newSafe(t)
	s.run()
	scheduler := s.scheduler(newQueue())
	s.conn.token = "suspended"
	s.Request(s.source, domain.SyncIncremental)
	before := s.Source(s.source)
	s.conn.told = func() { // the run has begun, and was not refused yet
		s.append(before.Hinted(domain.Hint{Origin: "webhook", Access: true}, s.Clock.Now()))
	}
	for range 2 {
		_ = s.once() // refused
		s.conn.told = nil
		for range 2 {
			if err := scheduler.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := s.changes(7); got != "hint_received sync_failed credential_expired credential_attached sync_started sync_failed credential_expired" {
		t.Errorf("got %q, want the source opened once more, and only once", got)
	}
}

// Access is one decision, however often its scheduler looks before that is folded:
// while a projector is behind, what other sources do has it look without end.
func TestAccessIsDecidedOnce(t *testing.T) {
	t.Parallel()

	s := newSafe(t)
	s.run()
	s.conn.token = "suspended"
	s.Request(s.source, domain.SyncIncremental)
	_ = s.once() // refused
	s.append(s.Source(s.source).Hinted(domain.Hint{Origin: "webhook", Access: true}, s.Clock.Now()))
	s.Rows.Pause()
	before, scheduler := len(s.Log.Records(s.source)), s.scheduler(newQueue())
	look := func(want int) {
		t.Helper()
		if err := scheduler.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(s.Log.Records(s.source)) - before; got != want {
			t.Errorf("got %d decisions, want %d", got, want)
		}
	}
	for range 3 {
		look(1)
	}
	s.Clock.Turn(time.Minute)
	look(2) // the first one may be lost
	s.Rows.Resume()
	if src := s.Source(s.source); src.CredentialExpired {
		t.Errorf("got %+v, want it open again", src)
	}
}
