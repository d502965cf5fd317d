package ingest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// idleDeliveries are deliveries without an effect, in memory.
type idleDeliveries struct {
	mu   sync.Mutex
	rows []ingest.IdleDelivery
	down error

	trimmed []time.Time
}

func (t *idleDeliveries) Note(_ context.Context, all ...ingest.IdleDelivery) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down == nil {
		t.rows = append(t.rows, all...)
	}
	return t.down
}

func (t *idleDeliveries) Trim(_ context.Context, before time.Time, _ int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trimmed = append(t.trimmed, before)
	return t.down
}

func (t *idleDeliveries) Forget(context.Context, domain.SourceID) error { return t.down }

// A noted is what is told of rows.
type noted struct {
	Source domain.SourceID
	Owner  domain.OwnerID
	Event  string
	Reason string
	Times  int
}

// noted are the rows, those of one id as one.
func (t *idleDeliveries) noted() []noted {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []domain.EventID
	var all []noted
	for _, r := range t.rows {
		i := slices.Index(ids, r.ID)
		if i < 0 {
			i, ids, all = len(ids), append(ids, r.ID), append(all, noted{r.Source, r.Owner, r.Event, r.Reason, 0})
		}
		all[i].Times++
	}
	return all
}

const unconnected = "it is about nothing that is connected here"

// What is ignored has one row, at the source that it is about, however often it comes
// and whatever id somebody gives it.
func TestWebhookIgnoredIsNoted(t *testing.T) {
	t.Parallel()

	const alice = domain.OwnerID("alice") // of the only source
	for name, tt := range map[string]struct {
		key, secret string
		p           payload
		want        noted
	}{
		"a ping to its address":        {address, private, payload{Event: "ping"}, noted{Owner: alice, Event: "ping", Reason: "a ping", Times: 3}},
		"a ping to all":                {"", shared, payload{Event: "ping"}, noted{Event: "ping", Reason: "a ping", Times: 3}},
		"of no use, about a source":    {"", shared, payload{Event: "star", About: "repo-1"}, noted{Owner: alice, Event: "star", Reason: "a ping", Times: 3}},
		"of no use, about another":     {"", shared, payload{Event: "star", About: "repo-2"}, noted{Event: "star", Reason: "a ping", Times: 3}},
		"about another":                {"", shared, payload{Event: "push", Keys: []string{"repo-2"}}, noted{Event: "push", Reason: unconnected, Times: 3}},
		"about another, to an address": {address, private, payload{Event: "push", Keys: []string{"repo-2"}}, noted{Owner: alice, Event: "push", Reason: unconnected, Times: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			d := newDesk(t)
			if tt.want.Owner != "" {
				tt.want.Source = d.source.ID
			}
			for _, id := range []string{"d-1", "d-1", "made up"} {
				if got, err := d.Take(t.Context(), arrival(tt.key, tt.secret, id, tt.p)); err != nil || got.Ignored != tt.want.Reason {
					t.Errorf("got %+v, %v", got, err)
				}
			}
			if diff := cmp.Diff([]noted{tt.want}, d.idle.noted()); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			d.wantHints(t, 0)
			if len(d.marks.kept) > 0 {
				t.Errorf("got marks %v", d.marks.kept)
			}
		})
	}
}

// A delivery that comes again is counted at the event that it was, for each source,
// under an id that somebody made up as well. Another one that has only its id is a
// row of its own.
func TestWebhookRepeatsAreNoted(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	bobs := d.world.Connect(domain.Source{Provider: "memory", Owner: "bob", ExternalKey: "repo-1", Partition: 2})
	for _, id := range []string{"d-1", "d-1", "d-1", "made up"} {
		if _, err := d.Take(t.Context(), arrival("", shared, id, push(1))); err != nil {
			t.Fatal(err)
		}
	}
	for _, source := range []domain.Source{d.source, bobs} {
		event, _ := d.hints(source.ID)
		times := 0
		for _, r := range d.idle.rows {
			if r.Source == source.ID && r.ID == event[0] && r.Owner == source.Owner && r.Reason == "" && r.At.Equal(d.world.Clock.Now()) {
				times++
			}
		}
		if len(event) != 1 || times != 3 {
			t.Errorf("got %d events and %d repeats of %s, want 1 and 3 in %+v", len(event), times, source.Owner, d.idle.rows)
		}
	}
	d.idle.rows = nil
	if got, err := d.Take(t.Context(), arrival(address, private, "d-1", push(2))); err != nil || got.Repeated != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff([]noted{{d.source.ID, "alice", "push", "another delivery with its id was taken before", 1}}, d.idle.noted()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// Where nothing can be noted the answer is the same: providers switch webhooks off
// that answer badly.
func TestWebhookThatCannotBeNoted(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	d.idle.down = errors.New("the database is down")
	for _, want := range []ingest.Taken{{Hints: 1, Job: d.source.Jobs[0].ID}, {Repeated: 1, Job: d.source.Jobs[0].ID}} {
		if got, err := d.Take(t.Context(), arrival("", shared, "d-1", push(1))); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if got, err := d.Take(t.Context(), arrival(address, private, "d-2", payload{Event: "ping"})); err != nil || got.Ignored != "a ping" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// silent is a database that does not answer.
type silent struct{}

func (silent) SourcesOf(ctx context.Context, _ domain.Provider, _ string) ([]domain.SourceID, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// While the database does not answer nobody knows whose an ignored delivery is: the
// answer does not wait for it, and it is noted for nobody.
func TestWebhookOfNobodyKnowsWhom(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	d.Objects = silent{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := d.Take(ctx, arrival("", shared, "d-1", payload{Event: "star", About: "repo-1"}))
	if err != nil || got.Ignored != "a ping" || ctx.Err() != nil {
		t.Errorf("got %+v, %v, and %v of who sent it", got, err, ctx.Err())
	}
	if len(d.idle.rows) > 0 {
		t.Errorf("got rows %+v", d.idle.rows)
	}
}

// What was ignored goes after 30 days; what goes wrong is told, and tried again.
func TestTidyDeliveries(t *testing.T) {
	t.Parallel()

	d := newDesk(t)
	d.idle.down = errors.New("the database is down")
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan error)
	ended := make(chan error)
	go func() {
		ended <- ingest.TidyDeliveries(ctx, d.idle, d.world.Clock, func(err error) { told <- err })
	}()
	first := d.world.Clock.Now()
	if err := <-told; !errors.Is(err, d.idle.down) {
		t.Errorf("got %v", err)
	}
	if err := d.world.Clock.Waiting(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	d.world.Clock.Turn(time.Hour)
	<-told
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if want := []time.Time{first.Add(-30 * 24 * time.Hour), first.Add(-30*24*time.Hour + time.Hour)}; !slices.Equal(d.idle.trimmed, want) {
		t.Errorf("trimmed %v, want %v", d.idle.trimmed, want)
	}
}
