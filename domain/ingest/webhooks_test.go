package ingest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A hooked is a provider that sends webhooks: the body says what they are about,
// the header X-Id which delivery it is, X-Sig is an HMAC over the body.
type hooked struct{ *provider }

func sign(secret string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

func (hooked) Verify(h http.Header, raw []byte, secrets []domain.Secret, _ time.Time) error {
	for _, s := range secrets {
		if hmac.Equal([]byte(h.Get("X-Sig")), []byte(sign(string(s), raw))) {
			return nil
		}
	}
	return domain.ErrForbidden
}

// A payload is the body of a test delivery.
type payload struct {
	Keys  []string
	About string // with no Keys
	Refs  []string
	Event string
	N     int // tells bodies apart

	Installation domain.Installation
	Access       bool
}

func (hooked) Parse(h http.Header, raw []byte) (domain.Delivery, error) {
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return domain.Delivery{}, &domain.InvalidError{Field: "body", Problem: "is no payload"}
	}
	d := domain.Delivery{ID: h.Get("X-Id"), IDSigned: h.Get("X-Id-Signed") != "", Event: p.Event}
	for _, k := range p.Keys {
		d.Notices = append(d.Notices, domain.Notice{ExternalKey: k, Refs: p.Refs})
	}
	if p.Installation != (domain.Installation{}) {
		d.Notices = append(d.Notices, domain.Notice{Installation: p.Installation, Access: p.Access})
	}
	if len(d.Notices) == 0 {
		d.Ignored, d.About = "a ping", p.About
	}
	return d, nil
}

// marks are marks in memory.
type marks struct {
	mu   sync.Mutex
	kept map[string]time.Duration
	down error
}

func (m *marks) Marked(_ context.Context, keys []string) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make([]bool, len(keys))
	for i, k := range keys {
		_, found[i] = m.kept[k]
	}
	return found, m.down
}

func (m *marks) Mark(_ context.Context, d time.Duration, keys []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down == nil {
		for _, k := range keys {
			m.kept[k] = d
		}
	}
	return m.down
}

// inbox is an inbox in memory.
type inbox struct {
	mu       sync.Mutex
	messages []domain.Message
	down     error
	keep     bool // Delete fails
}

func (b *inbox) Put(_ context.Context, messages ...domain.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down == nil {
		b.messages = append(b.messages, messages...)
	}
	return b.down
}

func (b *inbox) Oldest(_ context.Context, limit int) ([]domain.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.messages[:min(limit, len(b.messages))]), b.down
}

func (b *inbox) Delete(_ context.Context, ids ...domain.EventID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keep {
		return domain.ErrUnavailable
	}
	b.messages = slices.DeleteFunc(b.messages, func(m domain.Message) bool { return slices.Contains(ids, m.ID) })
	return nil
}

// objects are the sources of a world by their keys.
type objects struct{ rows *connectortest.Rows }

func (o objects) SourcesOf(ctx context.Context, provider domain.Provider, key string) (ids []domain.SourceID, err error) {
	for src, err := range o.rows.Candidates(ctx) {
		if err != nil {
			return nil, err
		}
		if src.Provider == provider && src.ExternalKey == key {
			ids = append(ids, src.ID)
		}
	}
	return ids, nil
}

func (o objects) InstalledSources(ctx context.Context, provider domain.Provider, installation string) iter.Seq2[domain.Source, error] {
	return func(yield func(domain.Source, error) bool) {
		for src, err := range o.rows.Candidates(ctx) {
			if (err != nil || src.Provider == provider && src.Installation == installation) && !yield(src, err) {
				return
			}
		}
	}
}

// hookRows is a table of hooks in memory.
type hookRows struct {
	mu   sync.Mutex
	rows map[domain.SourceID]ingest.SourceHook
	down error
}

func (h *hookRows) ByKey(_ context.Context, provider domain.Provider, key string) (ingest.SourceHook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, row := range h.rows {
		if row.Provider == provider && row.Key == key {
			return row, h.down
		}
	}
	return ingest.SourceHook{}, errors.Join(h.down, domain.ErrSourceNotFound)
}

func (h *hookRows) Of(_ context.Context, source domain.SourceID) (ingest.SourceHook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	row, ok := h.rows[source]
	if !ok {
		return row, domain.ErrSourceNotFound
	}
	return row, h.down
}

func (h *hookRows) Put(_ context.Context, row ingest.SourceHook) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down != nil {
		return h.down
	}
	if h.rows[row.Source].Version != row.Version {
		return domain.ErrConflict
	}
	row.Version++
	h.rows[row.Source] = row
	return nil
}

func (h *hookRows) Delete(_ context.Context, source domain.SourceID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.rows, source)
	return h.down
}

func (h *hookRows) All(context.Context) iter.Seq2[ingest.SourceHook, error] {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []ingest.SourceHook
	for _, row := range h.rows {
		row.Secret, row.Previous = "", ""
		all = append(all, row)
	}
	return func(yield func(ingest.SourceHook, error) bool) {
		for _, row := range all {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// A desk takes deliveries in a world with one source of alice.
type desk struct {
	*ingest.Webhooks
	world  *connectortest.World
	marks  *marks
	inbox  *inbox
	idle   *idleDeliveries
	hooks  *hookRows
	source domain.Source
	logged bytes.Buffer
}

const (
	shared  = "shared secret"
	private = "secret of one source"
	address = "0123456789abcdef0123456789abcdef"
)

func newDesk(t *testing.T) *desk {
	t.Helper()
	w := connectortest.NewWorld(t)
	d := &desk{world: w, marks: &marks{kept: map[string]time.Duration{}}, inbox: &inbox{}, idle: &idleDeliveries{}, hooks: &hookRows{rows: map[domain.SourceID]ingest.SourceHook{}}}
	d.source = w.Connect(domain.Source{Provider: "memory", Owner: "alice", ExternalKey: "repo-1", Partition: 1})
	d.hooks.rows[d.source.ID] = ingest.SourceHook{
		Source: d.source.ID, Owner: "alice", Provider: "memory", Key: address, Secret: private, SecretAt: w.Clock.Now(), EnsuredAt: w.Clock.Now(), HookID: "1", Version: 1,
	}
	d.Webhooks = &ingest.Webhooks{
		Log: w.Log, Index: w.Rows, Objects: objects{w.Rows}, Installed: objects{w.Rows}, Hooks: d.hooks, Marks: d.marks, Inbox: d.inbox, Idle: d.idle, Clock: w.Clock,
		Connectors: ingest.Connectors{hooked{&provider{}}}, Secrets: map[domain.Provider][]domain.Secret{"memory": {shared}},
		Logger: slog.New(slog.NewTextHandler(&d.logged, nil)),
	}
	return d
}

// arrival is a signed delivery.
func arrival(key, secret, id string, p payload) ingest.Arrival {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return ingest.Arrival{Provider: "mem", Key: key, Body: body, Header: http.Header{"X-Id": {id}, "X-Sig": {sign(secret, body)}}}
}

func push(n int) payload {
	return payload{Keys: []string{"repo-1"}, Refs: []string{"refs/heads/main"}, Event: "push", N: n}
}

// hints are the hints of a source on the log.
func (d *desk) hints(source domain.SourceID) (ids []domain.EventID, hints []domain.Hint) {
	for _, rec := range d.world.Log.Records(source) {
		if e, ok := rec.Event.(domain.SourceChanged); ok && e.Change == domain.SourceHintReceived {
			hints = append(hints, *e.Hint)
			id := domain.NewHintEventID(source, "", e.Hint.PayloadDigest)
			if signed := domain.NewHintEventID(source, e.Hint.DeliveryID, e.Hint.PayloadDigest); rec.Headers["ce_id"] == signed.String() {
				id = signed
			}
			if rec.Headers["ce_id"] != "" && rec.Headers["ce_id"] != id.String() {
				panic("the id of a hint does not follow from its delivery")
			}
			ids = append(ids, id)
		}
	}
	return ids, hints
}

func (d *desk) wantHints(t *testing.T, n int) {
	t.Helper()
	if ids, _ := d.hints(d.source.ID); len(ids) != n {
		t.Errorf("got %d hints on the log, want %d", len(ids), n)
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()

	for name, a := range map[string]ingest.Arrival{
		"shared address": arrival("", shared, "d-1", push(1)),
		"own address":    arrival(address, private, "d-1", push(1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			d := newDesk(t)
			got, err := d.Take(t.Context(), a)
			if err != nil || got.Hints != 1 || got.Job != d.source.Jobs[0].ID {
				t.Fatalf("got %+v, %v, want a hint and the job that waits", got, err)
			}
			_, hints := d.hints(d.source.ID)
			if len(hints) != 1 || hints[0].Origin != "webhook" || hints[0].ProviderEvent != "push" || hints[0].DeliveryID != "d-1" ||
				hints[0].PayloadDigest != sha256.Sum256(a.Body) || !slices.Equal(hints[0].Refs, []string{"refs/heads/main"}) {
				t.Errorf("got hints %+v", hints)
			}
			for range 3 {
				if got, err := d.Take(t.Context(), a); err != nil || got.Hints != 0 || got.Repeated != 1 {
					t.Errorf("repeated: got %+v, %v", got, err)
				}
			}
			d.wantHints(t, 1)
			for key, lasts := range d.marks.kept {
				if lasts != 8*24*time.Hour {
					t.Errorf("mark %s lasts %s, want 8 days", key, lasts)
				}
			}
		})
	}
}

// Everything that is not signed for its address gets one answer, and does nothing.
func TestWebhookRefused(t *testing.T) {
	t.Parallel()

	other := arrival(address, private, "d", push(1))
	other.Body = append(other.Body, ' ')
	unsigned := arrival(address, private, "d", push(1))
	unsigned.Header.Del("X-Sig")
	noProvider := arrival("", shared, "d", push(1))
	noProvider.Provider = "unknown"
	relayedToOne := arrival(address, "wrong", "d", push(1))
	relayedToOne.Relayed = true
	tests := map[string]struct {
		prepare func(*desk)
		a       ingest.Arrival
	}{
		"wrong secret":                        {nil, arrival(address, "wrong", "d", push(1))},
		"changed body":                        {nil, other},
		"unsigned":                            {nil, unsigned},
		"unknown address":                     {nil, arrival("ffffffffffffffffffffffffffffffff", private, "d", push(1))},
		"shared secret at an own address":     {nil, arrival(address, shared, "d", push(1))},
		"own secret at the shared one":        {nil, arrival("", private, "d", push(1))},
		"no such provider":                    {nil, noProvider},
		"relayed to an own address":           {nil, relayedToOne},
		"no secret configured":                {func(d *desk) { d.Secrets = nil }, arrival("", "", "d", push(1))},
		"empty secret configured":             {func(d *desk) { d.Secrets["memory"] = []domain.Secret{""} }, arrival("", "", "d", push(1))},
		"no table":                            {func(d *desk) { d.Hooks = nil }, arrival(address, private, "d", push(1))},
		"address of a source that is removed": {func(d *desk) { d.remove() }, arrival(address, private, "d", push(1))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			d := newDesk(t)
			if tt.prepare != nil {
				tt.prepare(d)
			}
			_, err := d.Take(t.Context(), tt.a)
			if !errors.Is(err, domain.ErrUnauthorized) {
				t.Fatalf("got %v, want ErrUnauthorized", err)
			}
			if got := err.Error(); got != "the delivery is not from this provider: "+domain.ErrUnauthorized.Error() {
				t.Errorf("got %q, want the same text for all", got)
			}
			d.wantHints(t, 0)
			if len(d.idle.rows) > 0 {
				t.Errorf("got rows %+v of what is not authentic", d.idle.rows)
			}
		})
	}
}

// A watched counts what a refusal costs.
type watched struct {
	hooked
	domain.Index
	reads, secrets int
}

func (w *watched) Verify(h http.Header, raw []byte, secrets []domain.Secret, now time.Time) error {
	w.secrets += len(secrets)
	return w.hooked.Verify(h, raw, secrets, now)
}

func (w *watched) Source(ctx context.Context, id domain.SourceID) (domain.Source, error) {
	w.reads++
	return w.Index.Source(ctx, id)
}

// The time of a refusal tells nothing: whoever is refused costs the same reads and
// the same number of secrets.
func TestWebhookRefusedAtTheSameCost(t *testing.T) {
	t.Parallel()

	rotating := func(d *desk) {
		row := d.hooks.rows[d.source.ID]
		row.Previous, row.SecretAt = "old", d.world.Clock.Now().Add(time.Hour)
		d.hooks.rows[d.source.ID] = row
	}
	for key, prepares := range map[string]map[string]func(*desk){
		address: {"wrong secret": func(*desk) {}, "two secrets": rotating, "removed": (*desk).remove, "unknown": func(d *desk) { clear(d.hooks.rows) }},
		"": {
			"wrong secret": func(*desk) {}, "none": func(d *desk) { d.Secrets = nil },
			"two secrets": func(d *desk) { d.Secrets["memory"] = []domain.Secret{shared, "old"} },
		},
	} {
		costs := map[[2]int]string{}
		for name, prepare := range prepares {
			d := newDesk(t)
			prepare(d)
			w := &watched{hooked: hooked{&provider{}}, Index: d.Index}
			d.Index, d.Connectors = w, ingest.Connectors{w}
			if _, err := d.Take(t.Context(), arrival(key, "wrong", "d", push(1))); !errors.Is(err, domain.ErrUnauthorized) {
				t.Errorf("%s: got %v", name, err)
			}
			costs[[2]int{w.reads, w.secrets}] = name
		}
		if len(costs) != 1 {
			t.Errorf("address %q: got reads and secrets %v, want the same for all", key, costs)
		}
	}
}

// remove requests the removal of the source.
func (d *desk) remove() {
	e, err := d.world.Source(d.source.ID).RequestRemoval(d.world.Clock.Now())
	if err != nil {
		panic(err)
	}
	id, err := domain.NewEventID()
	if err != nil {
		panic(err)
	}
	if _, err := d.world.Log.Append(context.Background(), domain.Message{ID: id, Partition: d.source.Partition, Event: e}); err != nil {
		panic(err)
	}
}

// What is authentic and of no use is taken, and does nothing.
func TestWebhookIgnored(t *testing.T) {
	t.Parallel()

	for name, p := range map[string]payload{
		"ping":           {Event: "ping"},
		"another object": {Keys: []string{"repo-2"}, Event: "push"},
	} {
		for key, secret := range map[string]string{"": shared, address: private} {
			d := newDesk(t)
			if got, err := d.Take(t.Context(), arrival(key, secret, "d", p)); err != nil || got.Ignored == "" || got.Hints != 0 {
				t.Errorf("%s at %q: got %+v, %v", name, key, got, err)
			}
			d.wantHints(t, 0)
		}
	}
	d := newDesk(t)
	broken := arrival("", shared, "d", push(1))
	broken.Body = []byte("no payload")
	broken.Header.Set("X-Sig", sign(shared, broken.Body))
	if _, err := d.Take(t.Context(), broken); !errors.As(err, new(*domain.InvalidError)) {
		t.Errorf("signed nonsense: got %v, want an InvalidError", err)
	}
}

// A gateway that re-encodes bodies breaks their signatures; only where it is
// trusted, and only at the shared address, they are taken all the same.
func TestWebhookRelayed(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	a := arrival("", "wrong", "d-1", push(1))
	a.Relayed = true
	if got, err := d.Take(t.Context(), a); err != nil || got.Hints != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := d.Take(t.Context(), arrival("", shared, "d-1", push(1))); err != nil || got.Repeated != 1 {
		t.Errorf("directly too: got %+v, %v, want a repeat", got, err)
	}
}

// The same body under another id is a replay: the id is not signed.
func TestWebhookReplayed(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	for _, id := range []string{"d-1", "d-2", ""} {
		if _, err := d.Take(t.Context(), arrival("", shared, id, push(1))); err != nil {
			t.Fatal(err)
		}
	}
	d.wantHints(t, 1)
	if !strings.Contains(d.logged.String(), "suspected replay") {
		t.Errorf("got no word of it in %q", d.logged.String())
	}
	if _, err := d.Take(t.Context(), arrival("", shared, "d-3", push(2))); err != nil {
		t.Fatal(err)
	}
	d.wantHints(t, 2)
}

// Where the id is signed, the same body under another id is another delivery, such as
// a branch that moves forth, back and forth; under the same id it is a repeat.
func TestWebhookWithSignedID(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	for _, id := range []string{"d-1", "d-2", "d-1", "d-3", "d-3"} {
		a := arrival("", shared, id, push(1))
		a.Header.Set("X-Id-Signed", "yes")
		if _, err := d.Take(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	d.wantHints(t, 3)
}

// Without its marks a delivery that comes again is the same event, and so is one
// that comes again when they are gone after 8 days, or whose body comes under an id
// that somebody made up.
func TestWebhookWithoutMarks(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	a := arrival("", shared, "d-1", push(1))
	caught := arrival("", shared, "made up", push(1))
	for _, lose := range []func(){func() {}, func() { clear(d.marks.kept) }, func() { d.marks.down = domain.ErrUnavailable }, func() { a = caught }} {
		lose()
		if _, err := d.Take(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	ids, _ := d.hints(d.source.ID)
	if len(ids) != 4 || len(slices.Compact(ids)) != 1 {
		t.Errorf("got ids %v, want one four times", ids)
	}
}

// One delivery is about the sources of two owners. Nothing is durable for one of
// them: the answer asks to send it again, and that finishes it without repeating.
func TestWebhookForSeveralSources(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	bobs := d.world.Connect(domain.Source{Provider: "memory", Owner: "bob", ExternalKey: "repo-1", Partition: 2})
	a := arrival("", shared, "d-1", push(1))
	d.world.Log.CutAfter(0)
	d.inbox.down = errors.New("the database is down")
	if _, err := d.Take(t.Context(), a); !errors.Is(err, domain.ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
	if len(d.marks.kept) != 0 {
		t.Errorf("got marks %v of a delivery that is not durable", d.marks.kept)
	}
	d.world.Log.Heal()
	d.inbox.down = nil
	d.world.Clock.Turn(time.Minute)
	if got, err := d.Take(t.Context(), a); err != nil || got.Hints != 2 || got.Job != (domain.JobID{}) {
		t.Errorf("got %+v, %v, want a hint for each", got, err)
	}
	// A mark of only one of them, as a crash between two marks would leave it.
	d.marks.kept = map[string]time.Duration{domain.NewHintEventID(d.source.ID, "d-1", domain.Digest{}).String(): time.Hour}
	if got, err := d.Take(t.Context(), a); err != nil || got.Hints != 1 || got.Repeated != 1 {
		t.Errorf("got %+v, %v, want what was left", got, err)
	}
	for _, id := range []domain.SourceID{d.source.ID, bobs.ID} {
		if ids, _ := d.hints(id); len(slices.Compact(ids)) != 1 {
			t.Errorf("got ids %v, want one", ids)
		}
	}
}

// A log that is down costs nothing: the inbox takes the hint, deliveries do not
// queue up behind a log that is known to be down, and the relay brings all of them
// under their ids, also when it dies before it deletes a row.
func TestWebhookInbox(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	tries := 0
	d.world.Log.Interrupt(func([]domain.Message) (int, error) { tries++; return 0, domain.ErrUnavailable })
	for i := range 20 {
		if got, err := d.Take(t.Context(), arrival("", shared, fmt.Sprint(i), push(i))); err != nil || got.Hints != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	if tries != 1 || len(d.inbox.messages) != 20 {
		t.Errorf("got %d tries and %d rows, want one try and all in the inbox", tries, len(d.inbox.messages))
	}
	relay := &ingest.Relay{Log: d.world.Log, Inbox: d.inbox, Clock: d.world.Clock, Logger: d.Logger}
	if n, err := relay.Once(t.Context()); err == nil || n != 0 || len(d.inbox.messages) != 20 {
		t.Errorf("relayed %d, %v while the log is down", n, err)
	}
	d.world.Log.Heal()
	d.inbox.keep = true // it dies behind the append
	if _, err := relay.Once(t.Context()); err == nil {
		t.Error("got no error")
	}
	d.inbox.keep = false
	if n, err := relay.Once(t.Context()); err != nil || n != 20 || len(d.inbox.messages) != 0 {
		t.Errorf("relayed %d, %v, %d left", n, err, len(d.inbox.messages))
	}
	ids, _ := d.hints(d.source.ID)
	slices.SortFunc(ids, func(a, b domain.EventID) int { return strings.Compare(a.String(), b.String()) })
	if len(ids) != 40 || len(slices.Compact(ids)) != 20 {
		t.Errorf("got %d hints, want 20 twice", len(ids))
	}
	d.world.Clock.Turn(5 * time.Second)
	if _, err := d.Take(t.Context(), arrival("", shared, "new", push(99))); err != nil || len(d.inbox.messages) != 0 {
		t.Errorf("got %v, want the log back in use", err)
	}
}

// Both secrets fit while one replaces the other, and the old one not for ever.
func TestWebhookRotation(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	n := 0
	fits := func(secret string) bool {
		n++
		_, err := d.Take(t.Context(), arrival(address, secret, fmt.Sprint(n), push(n)))
		return err == nil
	}
	row := d.hooks.rows[d.source.ID]
	row.Secret, row.Previous, row.SecretAt = "new", private, d.world.Clock.Now().Add(time.Hour)
	d.hooks.rows[d.source.ID] = row
	d.world.Clock.Turn(72 * time.Hour) // the provider could not be told for days
	if !fits("new") || !fits(private) {
		t.Error("a secret is refused while the provider may use either")
	}
	row.EnsuredAt = d.world.Clock.Now()
	d.hooks.rows[d.source.ID] = row
	if !fits("new") || !fits(private) {
		t.Error("a secret is refused while deliveries may be on their way")
	}
	d.world.Clock.Turn(25 * time.Hour)
	if !fits("new") || fits(private) {
		t.Error("the old secret still fits a day after the provider was told")
	}
}

// Hints coalesce: however many come, at most one job waits.
func TestWebhooksCoalesce(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	for i := range 50 {
		if _, err := d.Take(t.Context(), arrival("", shared, fmt.Sprint(i), push(i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.world.Source(d.source.ID).Jobs); n != 1 {
		t.Errorf("got %d jobs, want one", n)
	}
}
