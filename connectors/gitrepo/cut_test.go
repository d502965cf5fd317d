package gitrepo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A push is emitted, the process dies at any event of it, and before the next run
// the push is taken back. What was emitted is taken back as well: no difference
// between the commits around it shows that it ever was.
func TestPushTakenBackAfterACrash(t *testing.T) {
	t.Parallel()

	for cut := range 7 {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			before := w.repo.Commit("main", gittest.Put("a", "1"), gittest.Put("b", "2"))
			e := newEngine(t, w)
			e.sync()
			w.repo.Commit("main", gittest.Put("a", "pushed"), gittest.Rename("b", "c"))
			e.Request(e.source, domain.SyncIncremental)
			e.Log.CutAfter(cut)
			_ = e.run() // it cannot tell: the log is cut
			e.Log.Heal()
			w.repo.Git("update-ref", "refs/heads/main", before)
			e.engine.Cache = t.TempDir() // another worker goes on
			e.sync()
			if got, want := e.Tree(e.source), map[string]string{"a": "1", "b": "2"}; !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// An engine over one repository.
type engine struct {
	*connectortest.World
	t      *testing.T
	engine *ingest.Engine
	source domain.SourceID
}

func newEngine(t *testing.T, w *world) *engine {
	t.Helper()
	world := connectortest.NewWorld(t)
	e := &engine{World: world, t: t, engine: &ingest.Engine{
		Log: world.Log, Index: world.Rows, Folds: world.Rows, Packs: world.Packs, Clock: world.Clock,
		Connectors: ingest.Connectors{forge{w.source}}, Cache: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	}}
	config, err := json.Marshal(map[string]string{"url": w.repo.URL})
	if err != nil {
		t.Fatal(err)
	}
	e.source = world.Connect(domain.Source{Provider: "forge", Partition: 1, Config: config, ExternalKey: w.repo.URL}).ID
	return e
}

// sync ends the open job, or one that it asks for.
func (e *engine) sync() {
	e.t.Helper()
	if len(e.Source(e.source).Jobs) == 0 {
		e.Request(e.source, domain.SyncIncremental)
	}
	var err error
	for range 3 {
		if err = e.run(); len(e.Source(e.source).Jobs) == 0 {
			return
		}
	}
	e.t.Fatalf("the sync did not come to its end: %v", err)
}

func (e *engine) run() error {
	token, err := domain.NewRunID()
	if err != nil {
		e.t.Fatal(err)
	}
	again, err := e.engine.Run(context.Background(), domain.Lease{Ticket: domain.Ticket{Source: e.source}, Token: token})
	if wait := again.Sub(e.Clock.Now()); wait > 0 {
		e.Clock.Turn(wait)
	}
	return err
}
