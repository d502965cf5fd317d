package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/confuse/data-connector/adapters/notify"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// A world has real tables and real webhooks; the vault and the rows are in memory.
type world struct {
	domain.Index
	domain.Credentials
	now      time.Time
	sources  []domain.Source
	sealed   map[string]domain.Credential
	troubles map[domain.SourceID]ingest.Trouble

	mu    sync.Mutex
	got   map[string][]string // by path: what arrived, a line each
	ids   map[string]bool
	down  map[string]bool
	alarm func(error)
}

func (w *world) Now() time.Time                       { return w.now }
func (w *world) After(time.Duration) <-chan time.Time { return nil }
func (w *world) Candidates(context.Context) iter.Seq2[domain.Source, error] {
	return func(yield func(domain.Source, error) bool) {
		for _, s := range w.sources {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func (w *world) Source(_ context.Context, id domain.SourceID) (domain.Source, error) {
	for _, s := range w.sources {
		if s.ID == id {
			return s, nil
		}
	}
	return domain.Source{}, domain.ErrSourceNotFound
}

// Put refuses what the vault does.
func (w *world) Put(_ context.Context, _ domain.OwnerID, _ domain.Provider, c domain.Credential) (string, error) {
	if c.Secret == "" || c.Username != "" {
		return "", domain.ErrForbidden
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id := uuid.NewString()
	w.sealed[id] = c
	return id, nil
}

func (w *world) Get(_ context.Context, _ domain.OwnerID, _ domain.Provider, id string) (domain.Credential, error) {
	return w.sealed[id], nil
}

func (w *world) Delete(_ context.Context, _ domain.OwnerID, id string) error {
	delete(w.sealed, id)
	return nil
}

// ServeHTTP takes webhooks as a receiver does who checks them.
func (w *world) ServeHTTP(out http.ResponseWriter, req *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down[req.URL.Path] {
		out.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(req.Body)
	hook, bad := standardwebhooks.NewWebhook(secret)
	var p notify.Payload
	err = errors.Join(err, bad, hook.VerifyIgnoringTimestamp(body, req.Header), json.Unmarshal(body, &p))
	if err != nil || w.ids[req.Header.Get("webhook-id")] {
		w.alarm(errors.Join(err, errors.New("a message that does not check, or came twice")))
	}
	w.ids[req.Header.Get("webhook-id")] = true
	for _, n := range p.Data.Notices {
		line := n.Name + " " + string(n.Condition)
		if !n.OverAt.IsZero() {
			line += " over"
		}
		w.got[req.URL.Path] = append(w.got[req.URL.Path], line)
	}
}

func newWorld(t *testing.T) (*world, *ingest.Notifier, *ingest.Notifications, string) {
	t.Helper()
	w := &world{
		now: noon, sealed: map[string]domain.Credential{}, troubles: map[domain.SourceID]ingest.Trouble{},
		got: map[string][]string{}, ids: map[string]bool{}, down: map[string]bool{}, alarm: func(err error) { t.Error(err) },
	}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	db, err := postgres.Open(t.Context(), testenv.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	table := postgres.NewNotifications(db)
	sender := &notify.Sender{HTTP: server.Client(), Clock: w, Host: func(_ context.Context, host string) (netip.Addr, error) {
		if host == "mail.internal" {
			return netip.Addr{}, domain.ErrForbidden
		}
		return netip.Addr{}, nil
	}}
	notifier := &ingest.Notifier{
		Table: table, Sender: sender, Credentials: w, Index: w, Clock: w, Logger: slog.New(slog.DiscardHandler),
		Troubles: func(context.Context) (map[domain.SourceID]ingest.Trouble, error) { return w.troubles, nil },
	}
	return w, notifier, &ingest.Notifications{Table: table, Sender: sender, Credentials: w, Index: w, Clock: w}, server.URL
}

func source(t *testing.T, owner domain.OwnerID, name string) domain.Source {
	t.Helper()
	id, err := domain.NewSourceID()
	if err != nil {
		t.Fatal(err)
	}
	return domain.Source{ID: id, Owner: owner, Name: name, Registered: true, SyncedAt: noon}
}

// Each condition is told once when it begins and once when it is over, to those
// whose rule is about it; a target that fails is tried again and holds up nobody.
func TestNotifier(t *testing.T) {
	t.Parallel()

	w, notifier, rules, url := newWorld(t)
	w.sources = []domain.Source{source(t, "ann", "docs"), source(t, "ann", "code"), source(t, "bob", "bobs")}
	add := func(owner domain.OwnerID, path string, r ingest.NotificationRule) {
		t.Helper()
		r.Owner = owner
		if _, err := rules.Add(t.Context(), r, ingest.NotifyTarget{Kind: ingest.NotifyWebhook, URL: domain.Secret(url + path), Secret: secret}); err != nil {
			t.Fatal(err)
		}
	}
	add("ann", "/all", ingest.NotificationRule{Threshold: 5})
	add("ann", "/docs", ingest.NotificationRule{Source: w.sources[0].ID})
	add("ann", "/held", ingest.NotificationRule{Conditions: []ingest.Condition{ingest.ConditionHeld}})
	add("bob", "/bob", ingest.NotificationRule{})
	look := func(after time.Duration, want map[string][]string) {
		t.Helper()
		w.now = w.now.Add(after)
		w.got = map[string][]string{}
		if err := notifier.Table.Exclusive(t.Context(), notifier.Once); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, w.got); diff != "" {
			t.Errorf("%s after noon (-want +got):\n%s", w.now.Sub(noon), diff)
		}
	}
	none := map[string][]string{}
	look(0, none)
	failure := &domain.Failure{Code: "internal", Message: "it broke"}
	w.sources[0].Failure, w.sources[1].Held = failure, &domain.Held{Count: 900}
	look(0, map[string][]string{"/all": {"code deletes_held"}, "/held": {"code deletes_held"}}) // the job is tried again
	w.troubles[w.sources[0].ID] = ingest.Trouble{Failed: true}
	w.troubles[w.sources[1].ID] = ingest.Trouble{Letters: 5}
	w.down["/docs"] = true
	look(time.Second, map[string][]string{"/all": {"docs job_failed"}})
	w.sources[0].Jobs = []domain.Job{{Claimed: true}} // the next one runs: that is no recovery
	w.sources[0].Running = true
	look(time.Second, none)
	w.troubles[w.sources[1].ID] = ingest.Trouble{Letters: 6, Parked: 2}
	look(time.Second, map[string][]string{"/all": {"code dead_letters", "code parked"}})
	w.down["/docs"] = false
	look(time.Hour, map[string][]string{"/docs": {"docs job_failed"}})
	look(time.Hour, none)
	w.sources[0].Failure = nil
	look(time.Second, map[string][]string{"/all": {"docs job_failed over"}, "/docs": {"docs job_failed over"}})
	w.sources[0].Failure = failure // it flaps
	look(time.Second, none)
	look(time.Hour, map[string][]string{"/all": {"docs job_failed"}, "/docs": {"docs job_failed"}})
	w.sources[2].CredentialExpired = true
	look(time.Second, map[string][]string{"/bob": {"bobs credential_expired"}})
	w.down["/bob"] = true
	w.sources[2].CredentialExpired = false
	look(time.Second, none)
	look(48*time.Hour, none) // given up
	w.down["/bob"] = false
	look(time.Hour, none)
	listed, err := rules.List(t.Context(), "bob")
	if err != nil || len(listed) != 1 || listed[0].Failure == "" || listed[0].SentAt.IsZero() {
		t.Errorf("got %+v, %v, want the failure of the last message", listed, err)
	}
	if err := rules.Remove(t.Context(), "ann", listed[0].ID); !errors.Is(err, ingest.ErrRuleNotFound) {
		t.Errorf("another owner removes it: got %v", err)
	}
	if err := errors.Join(rules.Try(t.Context(), "bob", listed[0].ID), rules.Remove(t.Context(), "bob", listed[0].ID)); err != nil {
		t.Error(err)
	}
	if len(w.sealed) != 3 {
		t.Errorf("got %d sealed addresses of 3 rules", len(w.sealed))
	}
}

// One process tells at a time.
func TestExclusive(t *testing.T) {
	t.Parallel()

	_, notifier, _, _ := newWorld(t)
	inside := 0
	err := notifier.Table.Exclusive(t.Context(), func(ctx context.Context) error {
		inside++
		return notifier.Table.Exclusive(ctx, func(context.Context) error { inside++; return nil })
	})
	if err != nil || inside != 1 {
		t.Errorf("got %d inside, %v", inside, err)
	}
	if err := notifier.Table.Exclusive(t.Context(), func(context.Context) error { inside++; return nil }); err != nil || inside != 2 {
		t.Errorf("got %d after it was left, %v", inside, err)
	}
}

// A rule that cannot work is refused, and the error shows no secret.
func TestTargets(t *testing.T) {
	t.Parallel()

	_, _, rules, _ := newWorld(t)
	tests := map[string]struct {
		target ingest.NotifyTarget
		rule   ingest.NotificationRule
		field  string
	}{
		"slack":               {target: ingest.NotifyTarget{Kind: "service", URL: "slack://hook:WNA3PBYV6-F20DUQND3RQ-Webc4MAvoacrpPakR8phF0zi@webhook"}},
		"mail":                {target: ingest.NotifyTarget{Kind: "service", URL: "smtp://user:pw@mail.example.org:587/?from=a@example.org&to=b@example.org"}},
		"kind":                {target: ingest.NotifyTarget{Kind: "pigeon"}, field: "kind"},
		"service unknown":     {target: ingest.NotifyTarget{Kind: "service", URL: "opsgenie://top-secret/x"}, field: "url"},
		"webhook inside":      {target: ingest.NotifyTarget{Kind: "service", URL: "generic://mail.internal/top-secret"}, field: "url"},
		"service of a file":   {target: ingest.NotifyTarget{Kind: "service", URL: "logger://top-secret"}, field: "url"},
		"service incomplete":  {target: ingest.NotifyTarget{Kind: "service", URL: "slack://top-secret"}, field: "url"},
		"host inside":         {target: ingest.NotifyTarget{Kind: "service", URL: "smtp://top-secret@mail.internal:25/?from=a@b.c&to=d@e.f"}, field: "url"},
		"webhook of no URL":   {target: ingest.NotifyTarget{Kind: "webhook", URL: "top-secret", Secret: secret}, field: "url"},
		"webhook unsigned":    {target: ingest.NotifyTarget{Kind: "webhook", URL: "https://example.org/top-secret"}, field: "secret"},
		"condition":           {target: ingest.NotifyTarget{Kind: "webhook", URL: "https://example.org/x", Secret: secret}, rule: ingest.NotificationRule{Conditions: []ingest.Condition{"gone", "rain"}}, field: "conditions[1]"},
		"threshold":           {target: ingest.NotifyTarget{Kind: "webhook", URL: "https://example.org/x", Secret: secret}, rule: ingest.NotificationRule{Threshold: -1}, field: "threshold"},
		"name":                {target: ingest.NotifyTarget{Kind: "webhook", URL: "https://example.org/x", Secret: secret}, rule: ingest.NotificationRule{Name: "a\x00"}, field: "name"},
		"somebody's source":   {target: ingest.NotifyTarget{Kind: "webhook", URL: "https://example.org/x", Secret: secret}, rule: ingest.NotificationRule{Source: source(t, "x", "").ID}, field: "-"},
		"webhook with a user": {target: ingest.NotifyTarget{Kind: "webhook", URL: "https://a:top-secret@example.org/x", Secret: secret}, field: "url"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			tt.rule.Owner = "ann"
			_, err := rules.Add(t.Context(), tt.rule, tt.target)
			var bad *domain.InvalidError
			errors.As(err, &bad)
			switch {
			case tt.field == "" && err != nil, tt.field == "-" && !errors.Is(err, domain.ErrSourceNotFound),
				tt.field != "" && tt.field != "-" && (bad == nil || bad.Field != tt.field):
				t.Errorf("got %v, want an error of %q", err, tt.field)
			}
			if err != nil && strings.Contains(err.Error(), "top-secret") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
