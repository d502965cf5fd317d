package projections_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

// A row that the log does not explain is found, in whatever table: one that was
// changed, one that is missing, one too many.
func TestVerifyFindsAPlantedRow(t *testing.T) {
	t.Parallel()

	w, events, pipeline := newWorld(t), newLog(eventsTopic, 0), newLog(pipelineTopic, 0)
	s := newStory(t, events, "ann")
	s.hint("1")
	s.start()
	f := s.file(domain.FileAdded, "a.go", "one")
	events.addRecord(damaged(t, s.changed(domain.FileModified, "a.go", "two")))
	s.complete()
	pipeline.add(t, s.report(f, "chunk", domain.StageDone))
	w.project(t, events)
	w.project(t, pipeline)
	r := w.rebuild(newTopics(4, events, pipeline))
	found := verify(t, r)
	for _, table := range found.Tables {
		if table.Live == 0 || table.Live != table.Rebuilt || table.Differ != 0 {
			t.Errorf("%s: got %+v before anything was planted, want equal rows", table.Table, table)
		}
	}

	for table, plant := range map[string]struct{ spoil, column string }{
		"sources":        {`UPDATE sources SET name = 'mine'`, "name"},
		"sync_jobs":      {`UPDATE sync_jobs SET status = 'failed'`, "status"},
		"runs":           {`UPDATE runs SET ended_offset = NULL`, "ended_offset"},
		"files":          {`UPDATE files SET size = size + 1`, "size"},
		"webhook_events": {`UPDATE webhook_events SET counted = NOT counted`, "counted"},
		"file_stages":    {`UPDATE file_stages SET items = 99`, "items"},
		"poison":         {`UPDATE poison SET error = 'none of that'`, "error"},
		"checkpoints":    {`UPDATE checkpoints SET last_id = 'x' WHERE topic = '` + eventsTopic + `'`, "last_id"},
	} {
		for _, spoil := range []string{plant.spoil, `DELETE FROM ` + table} {
			if table == "checkpoints" && spoil != plant.spoil {
				continue // without it there is no position to compare at
			}
			keep(t, w, table, spoil)
			found := verify(t, r)
			restore(t, w, table)
			if len(found.First) != 1 || found.Differ() != 1 || found.First[0].Table != table {
				t.Errorf("%s: got %+v, want one difference", spoil, found)
				continue
			}
			d := found.First[0]
			if spoil == plant.spoil {
				if len(d.Live) != 1 || len(d.Rebuilt) != 1 || cmp.Equal(d.Live[plant.column], d.Rebuilt[plant.column]) {
					t.Errorf("%s: got difference %+v, want it in %s", spoil, d, plant.column)
				}
			} else if d.Live != nil || d.Rebuilt == nil {
				t.Errorf("%s: got difference %+v, want a row that is missing", spoil, d)
			}
		}
	}
	if found := verify(t, r); found.Differ() != 0 {
		t.Errorf("got %+v once all is put back, want no difference", found)
	}
}

// keep spoils a table, of which it keeps a copy.
func keep(t *testing.T, w *world, table, spoil string) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), `CREATE TABLE public.kept AS TABLE `+table+`; `+spoil); err != nil {
		t.Fatal(err)
	}
}

func restore(t *testing.T, w *world, table string) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), `DELETE FROM `+table+`; INSERT INTO `+table+` TABLE public.kept; DROP TABLE public.kept`); err != nil {
		t.Fatal(err)
	}
}

// Events that come in do not matter: the comparison is at one position.
func TestVerifyWhileEventsComeIn(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	topics := newTopics(5, l)
	w.project(t, l)
	r := w.rebuild(topics)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			topics.tell(func() { s.file(domain.FileModified, "a.go", string(rune('a'+n%26))) })
			l := *l // as the projector sees it
			if err := projectMore(w, &l); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 3 {
		if found := verify(t, r); found.Differ() != 0 {
			t.Errorf("got %+v, want no difference", found)
		}
	}
	close(stop)
	<-ended
	if n := len(l.records); n < 20 {
		t.Errorf("got only %d records meanwhile", n)
	}
}

// projectMore hands out what is new.
func projectMore(w *world, l *memoryLog) error {
	start, err := w.runner.Assigned(context.Background(), l.partition())
	if err != nil {
		return err
	}
	return w.runner.Batch(context.Background(), l.partition(), l.records[start:])
}
