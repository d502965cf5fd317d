package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A vault keeps credentials in memory.
type vault struct {
	mu   sync.Mutex
	n    int
	kept map[string]domain.Credential // "owner/provider/id"
	down error
}

func (v *vault) Put(_ context.Context, owner domain.OwnerID, provider domain.Provider, c domain.Credential) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down != nil {
		return "", v.down
	}
	v.n++
	id := fmt.Sprintf("cred-%d", v.n)
	if v.kept == nil {
		v.kept = map[string]domain.Credential{}
	}
	c.ID = id
	v.kept[string(owner)+"/"+string(provider)+"/"+id] = c
	return id, nil
}

func (v *vault) Get(_ context.Context, owner domain.OwnerID, provider domain.Provider, id string) (domain.Credential, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down != nil {
		return domain.Credential{}, v.down
	}
	c, ok := v.kept[string(owner)+"/"+string(provider)+"/"+id]
	if !ok {
		return c, domain.ErrUnauthorized
	}
	return c, nil
}

func (v *vault) Delete(_ context.Context, owner domain.OwnerID, id string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for k := range v.kept {
		if strings.HasPrefix(k, string(owner)+"/") && strings.HasSuffix(k, "/"+id) {
			delete(v.kept, k)
		}
	}
	return nil
}

func (v *vault) ids() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var ids []string
	for n := range v.n {
		for k := range v.kept {
			if strings.HasSuffix(k, fmt.Sprintf("/cred-%d", n+1)) {
				ids = append(ids, k)
			}
		}
	}
	return strings.Join(ids, " ")
}

// A guarded is a provider that asks for a token.
type guarded struct {
	*provider
	token string // the one that is good now
	asked int
	told  func() // called first; nil: nothing is
}

func (g *guarded) check(ctx context.Context, s domain.Scope) error {
	g.asked++
	if g.told != nil {
		g.told()
	}
	if s.Credential == nil {
		return fmt.Errorf("no token: %w", domain.ErrUnauthorized)
	}
	c, err := s.Credential(ctx)
	if err == nil && string(c.Secret) != g.token {
		err = fmt.Errorf("token refused: %w", domain.ErrUnauthorized)
	}
	return err
}

func (g *guarded) Validate(ctx context.Context, s domain.Scope) (domain.Identity, error) {
	if err := g.check(ctx, s); err != nil {
		return domain.Identity{}, err
	}
	return g.provider.Validate(ctx, s)
}

func token(secret string) *domain.Credential {
	return &domain.Credential{Kind: domain.CredentialToken, Secret: domain.Secret(secret)}
}

// A safe is a bench of a guarded provider, connected with its token.
type safe struct {
	*bench
	conn    *guarded
	vault   *vault
	service *ingest.Service
}

func newSafe(t *testing.T) *safe {
	s := &safe{conn: &guarded{provider: &provider{files: tree(3)}, token: "good"}, vault: &vault{}}
	s.bench = newBench(t, s.conn, anyConfig)
	s.engine.Credentials = s.vault
	s.service = service(s.World, s.conn)
	s.service.Credentials, s.service.Logger = s.vault, slog.New(slog.DiscardHandler)
	s.source = s.connect(t, "mine").ID
	return s
}

func (s *safe) connect(t *testing.T, root string) domain.Source {
	t.Helper()
	req := ingest.ConnectRequest{Owner: "alice", Provider: "mem", Config: fmt.Appendf(nil, `{"root":%q}`, root), Credential: token(s.conn.token)}
	a, err := s.service.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return a.Source
}

func (s *safe) attach(t *testing.T, secret string) (ingest.Accepted, error) {
	t.Helper()
	return s.service.AttachCredential(t.Context(), ingest.CredentialRequest{Owner: "alice", Source: s.source, Credential: *token(secret)})
}

// changes are the last n changes of the source on the log.
func (b *bench) changes(n int) string {
	var all []string
	for _, rec := range b.Log.Records(b.source) {
		if e, ok := rec.Event.(domain.SourceChanged); ok {
			all = append(all, string(e.Change))
		}
	}
	return strings.Join(all[max(len(all)-n, 0):], " ")
}

// A credential that is given at connect is sealed, and its id goes to the log with
// the registration.
func TestConnectWithCredential(t *testing.T) {
	t.Parallel()

	s := newSafe(t)
	if got := s.changes(9); got != "registered credential_attached sync_requested" {
		t.Errorf("got %q on the log", got)
	}
	if src := s.Source(s.source); src.CredentialID != "cred-1" || s.vault.ids() != "alice/memory/cred-1" {
		t.Errorf("got credential %q, sealed %q", src.CredentialID, s.vault.ids())
	}
	if got := s.run(); len(got) != 3 {
		t.Errorf("got %q, want the files", got)
	}
	if _, due := s.Source(s.source).Due(s.Clock.Now(), time.Time{}); due {
		t.Error("the source is due again, though its first sync had the credential")
	}
}

func TestConnectRefusesCredential(t *testing.T) {
	t.Parallel()

	s := newSafe(t)
	before := len(s.Journal())
	without := ingest.ConnectRequest{Owner: "alice", Provider: "mem", Config: []byte(`{"root":"x"}`)}
	wrong, empty := without, without
	wrong.Credential, empty.Credential = token("bad"), token("")
	for name, req := range map[string]ingest.ConnectRequest{"none": without, "wrong": wrong, "empty": empty} {
		_, err := s.service.Connect(t.Context(), req)
		var invalid *domain.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "accessToken" || strings.Contains(err.Error(), "bad") {
			t.Errorf("%s: got %v, want an error naming accessToken", name, err)
		}
	}
	s.service.Credentials = nil
	good := without
	good.Credential = token("good")
	var invalid *domain.InvalidError
	if _, err := s.service.Connect(t.Context(), good); !errors.As(err, &invalid) || invalid.Field != "accessToken" {
		t.Errorf("got %v without a vault", err)
	}
	if len(s.Journal()) != before || s.vault.ids() != "alice/memory/cred-1" {
		t.Errorf("got %d events and %q sealed after nothing but refusals", len(s.Journal())-before, s.vault.ids())
	}
}

// Wherever a connect is cut, connecting again ends in one source with a credential
// that opens it, and the log names only what is sealed.
func TestConnectWithCredentialCut(t *testing.T) {
	t.Parallel()

	for cut := range 4 {
		for _, key := range []string{"", "key-1"} {
			for _, vaultDown := range []bool{false, true} {
				w := connectortest.NewWorld(t)
				conn, v := &guarded{provider: &provider{files: tree(3)}, token: "good"}, &vault{}
				s := service(w, conn)
				s.Credentials, s.Logger = v, slog.New(slog.DiscardHandler)
				req := request(key)
				req.Credential = token("good")
				if vaultDown {
					v.down = domain.ErrUnavailable
				}
				w.Log.CutAfter(cut)
				_, _ = s.Connect(t.Context(), req) // cut
				w.Log.Heal()
				v.down = nil
				a, err := s.Connect(t.Context(), req)
				if already := new(domain.AlreadyConnectedError); err != nil && (key != "" || !errors.As(err, &already)) {
					t.Errorf("cut %d, key %q: got %v", cut, key, err)
				}
				src := w.Source(a.Source.ID)
				if c, err := v.Get(t.Context(), "alice", "memory", src.CredentialID); err != nil || string(c.Secret) != "good" {
					t.Errorf("cut %d, key %q, vault down %v: got %v for credential %q", cut, key, vaultDown, err, src.CredentialID)
				}
				if _, due := src.Due(w.Clock.Now(), time.Time{}); !due && len(src.Jobs) == 0 {
					t.Errorf("cut %d, key %q: the source has no job and is not due", cut, key)
				}
			}
		}
	}
}

// A refused credential ends nothing but itself: the job waits without burning
// attempts, nobody asks the provider, hints are remembered, other sources go on,
// and one sync follows when another credential is there.
func TestExpiredCredential(t *testing.T) {
	t.Parallel()

	s := newSafe(t)
	other := s.connect(t, "other")
	s.run()
	s.conn.token = "new"
	s.Request(s.source, domain.SyncIncremental)
	if err := s.once(); !errors.Is(err, domain.ErrUnauthorized) {
		t.Fatalf("got %v", err)
	}
	src := s.Source(s.source)
	if got := s.changes(2); got != "sync_failed credential_expired" || !src.CredentialExpired || src.Status() != domain.StatusDisconnected {
		t.Fatalf("got %q, source %+v", got, src)
	}
	if len(src.Jobs) != 1 || src.Jobs[0].Attempt != 0 || src.Jobs[0].Failure.Code != domain.CodeUnauthorized {
		t.Errorf("got jobs %+v, want one that waits with all its attempts", src.Jobs)
	}
	asked := s.conn.asked
	s.quiet(t)
	if s.conn.asked != asked {
		t.Errorf("the provider was asked %d more times", s.conn.asked-asked)
	}
	s.Clock.Turn(time.Hour)
	if _, err := s.attach(t, "new"); err != nil {
		t.Fatal(err)
	}
	if got := s.vault.ids(); got != "alice/memory/cred-2 alice/memory/cred-3" {
		t.Errorf("got %q sealed, want the refused one forgotten", got)
	}
	q := newQueue()
	if err := s.scheduler(q).Once(t.Context()); err != nil || q.tickets[s.source].Job != src.Jobs[0].ID || !q.tickets[s.source].NotBefore.IsZero() {
		t.Fatalf("got ticket %+v, %v, want the waiting job at once", q.tickets[s.source], err)
	}
	s.conn.files["new"] = "n"
	if got := s.run(); strings.Join(got, ",") != "added new" {
		t.Errorf("got %q", got)
	}
	if _, due := s.Source(s.source).Due(s.Clock.Now(), time.Time{}); due {
		t.Error("got another sync, want one for all the hints")
	}
	s.conn.token, s.source = "good", other.ID
	s.run()
}

// quiet tries whatever may begin a job.
func (s *safe) quiet(t *testing.T) {
	t.Helper()
	q, poller := newQueue(), s.poller(s.conn)
	poller.Credentials = s.vault
	hints := &ingest.Hints{Log: s.Log, Clock: s.Clock}
	before := s.Source(s.source)
	for range 3 {
		s.Clock.Turn(10 * time.Hour)
		if err := errors.Join(hints.Hint(t.Context(), before, domain.Hint{Origin: "webhook"}), s.scheduler(q).Once(t.Context())); err != nil {
			t.Fatal(err)
		}
		if err := s.once(); err != nil { // as a ticket of before would
			t.Fatal(err)
		}
		others := s.Log.Records(s.source)
		if err := poller.Once(t.Context()); err != nil || len(s.Log.Records(s.source)) != len(others) {
			t.Errorf("got %v and a hint from a poll", err)
		}
	}
	if _, queued := q.tickets[s.source]; queued {
		t.Error("its job is in the queue")
	}
	if after := s.Source(s.source); after.Run != before.Run || len(after.Jobs) != len(before.Jobs) {
		t.Errorf("got run %d and jobs %+v", after.Run, after.Jobs)
	}
}

// Should the expiry get lost behind the failure, the next attempt says it again;
// should it come alone, the job goes on with the next credential.
func TestExpiryCut(t *testing.T) {
	t.Parallel()

	for cut := range 3 {
		s := newSafe(t)
		s.conn.token = "new"
		n := 0
		s.Log.Interrupt(func(m []domain.Message) (int, error) {
			if e, ok := m[0].Event.(domain.SourceChanged); !ok || e.Change != domain.SourceSyncFailed || n > 0 {
				return len(m), nil
			}
			n++
			return min(cut, len(m)), domain.ErrUnknownFate
		})
		if err := s.once(); err == nil {
			t.Fatal("got no error")
		}
		s.Clock.Turn(time.Hour)
		if cut < 2 {
			if err := s.once(); !errors.Is(err, domain.ErrUnauthorized) {
				t.Fatalf("cut %d: got %v from the next attempt", cut, err)
			}
		}
		if src := s.Source(s.source); !src.CredentialExpired || len(src.Jobs) != 1 || src.Jobs[0].Attempt != 0 {
			t.Errorf("cut %d: got %+v", cut, src)
		}
		if _, err := s.attach(t, "new"); err != nil {
			t.Fatal(err)
		}
		if got := s.run(); len(got) != 3 {
			t.Errorf("cut %d: got %q", cut, got)
		}
	}
}

// What an old run says of the old credential is not held against the new one.
func TestCredentialAttachedDuringRun(t *testing.T) {
	t.Parallel()

	s := newSafe(t)
	s.conn.fetching = func() {
		s.conn.fetching = nil
		s.conn.token = "new"
		if _, err := s.attach(t, "new"); err != nil {
			t.Error(err)
		}
	}
	s.conn.pageSize, s.conn.breakAt, s.conn.breakWith = 1, 1, domain.ErrUnauthorized
	s.engine.Readers = 1
	if err := s.once(); !errors.Is(err, domain.ErrUnauthorized) {
		t.Fatalf("got %v", err)
	}
	src := s.Source(s.source)
	if src.CredentialExpired || src.CredentialID != "cred-2" || len(src.Jobs) != 1 {
		t.Fatalf("got %+v, want the new credential good", src)
	}
	s.conn.breakAt = 0
	s.Clock.Turn(time.Hour)
	if s.run(); len(s.Tree(s.source)) != 3 {
		t.Errorf("got tree %v", s.Tree(s.source))
	}
}

// A vault that cannot be reached is no reason to give a credential up.
func TestVaultDown(t *testing.T) {
	t.Parallel()

	s := newSafe(t)
	s.vault.down = errors.New("no route to the database")
	if err := s.once(); err == nil {
		t.Fatal("got no error")
	}
	if src := s.Source(s.source); src.CredentialExpired || len(src.Jobs) != 1 || src.Jobs[0].Failure.Code != domain.CodeInternal {
		t.Errorf("got %+v", src)
	}
	s.vault.down = nil
	s.Clock.Turn(time.Hour)
	s.run()
}

func TestAttachCredential(t *testing.T) {
	t.Parallel()

	s := newSafe(t)
	s.run()
	var invalid *domain.InvalidError
	if _, err := s.attach(t, "bad"); !errors.As(err, &invalid) || invalid.Field != "accessToken" {
		t.Errorf("got %v", err)
	}
	s.conn.token = "new"
	req := ingest.CredentialRequest{Owner: "mallory", Source: s.source, Credential: *token("new")}
	if _, err := s.service.AttachCredential(t.Context(), req); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("got %v for another owner's source", err)
	}
	req.Owner, req.Key = "alice", "k"
	for range 2 {
		a, err := s.service.AttachCredential(t.Context(), req)
		if err != nil || a.Source.CredentialID != "cred-2" || s.vault.ids() != "alice/memory/cred-2" {
			t.Fatalf("got %v, credential %q, sealed %q", err, a.Source.CredentialID, s.vault.ids())
		}
	}
	if e, due := s.Source(s.source).Due(s.Clock.Now(), time.Time{}); !due || e.Trigger != domain.TriggerUpdate {
		t.Errorf("got %v, want a sync: another credential may show other things", due)
	}
	if _, err := s.service.Remove(t.Context(), ingest.RemoveRequest{Owner: "alice", Source: s.source}); err != nil {
		t.Fatal(err)
	}
	s.run()
	if got := s.vault.ids(); got != "" {
		t.Errorf("got %q sealed for a removed source", got)
	}
}

// A served is a guarded provider that is where its config says.
type served struct{ *guarded }

func (s served) Describe() domain.Capabilities {
	c := s.guarded.Describe()
	c.Options = append(c.Options, domain.Option{Name: "baseUrl", Kind: domain.OptionString})
	return c
}

func (s served) Validate(ctx context.Context, scope domain.Scope) (domain.Identity, error) {
	return domain.Identity{ExternalKey: "one"}, s.check(ctx, scope)
}

// The credential of a source is shown to the server that it was given for: who changes
// the config cannot have it sent elsewhere, where it would be read.
func TestCredentialStaysAtItsServer(t *testing.T) {
	t.Parallel()

	for at, elsewhere := range map[string][]string{
		"https://git.example.com/scm": {"", "http://git.example.com/scm", "https://git.example.com:8443", "https://git.example.com.", "https://user@git.example.com", "https://evil.example.com", "https://git.example.com@evil.example.com", "::"},
		"":                            {"https://evil.example.com"},
	} {
		conn := served{&guarded{provider: &provider{files: tree(3)}, token: "good"}}
		s := service(connectortest.NewWorld(t), conn)
		s.Credentials, s.Logger = &vault{}, slog.New(slog.DiscardHandler)
		config := func(base string) json.RawMessage { return fmt.Appendf(nil, `{"root":"x","baseUrl":%q}`, base) }
		a, err := s.Connect(t.Context(), ingest.ConnectRequest{Owner: "alice", Provider: "mem", Config: config(at), Credential: token("good")})
		if err != nil {
			t.Fatal(err)
		}
		conn.asked = 0
		for _, base := range elsewhere {
			_, err := s.Update(t.Context(), ingest.UpdateRequest{Owner: "alice", Source: a.Source.ID, Config: config(base)})
			var invalid *domain.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != "config.baseUrl" || conn.asked > 0 {
				t.Errorf("from %q to %q: got %v and %d questions to the provider, want an InvalidError and none", at, base, err, conn.asked)
			}
		}
		other := strings.NewReplacer("git.example.com", "Git.Example.Com", "/scm", "/").Replace(at)
		if _, err := s.Update(t.Context(), ingest.UpdateRequest{Owner: "alice", Source: a.Source.ID, Config: config(other)}); err != nil || conn.asked == 0 {
			t.Errorf("from %q to %q: got %v and %d questions, want it looked at", at, other, err, conn.asked)
		}
	}
}
