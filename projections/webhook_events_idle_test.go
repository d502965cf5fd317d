package projections_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// idle puts a delivery that had no effect beside the tables; source nil: it is about
// nothing that is connected.
func (w *world) idle(t *testing.T, id uuid.UUID, source *domain.SourceID, owner, delivery, reason string, at time.Time, times int) {
	t.Helper()
	var of any
	if source != nil {
		of = [16]byte(source.UUID)
	}
	_, err := w.db.Exec(t.Context(), `INSERT INTO app.idle_deliveries VALUES ($1, $2, $3, 'github', 'star', $4, $5, $6, $7, $8, $9)`,
		[16]byte(id), of, owner, delivery, make([]byte, 32), reason, at, at.Add(time.Hour), times)
	if err != nil {
		t.Fatal(err)
	}
}

// Deliveries that were ignored are among the hints, in the order of time, for their
// owner alone; those about nothing for who may see them. A hint that came again says
// how often.
func TestListHintsWithWhatWasIgnored(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s, other := newStory(t, l, "ann"), newStory(t, l, "bob")
	for _, id := range []string{"1", "3", "5"} {
		s.hint(id)
		s.n++ // a moment later
	}
	w.project(t, l)
	hints, _, err := w.ListHints(t.Context(), "ann", projections.HintPage{Limit: 10})
	if err != nil || len(hints) != 3 {
		t.Fatalf("got %v, %v", hints, err)
	}
	at := func(i int, after time.Duration) time.Time { return hints[i].ReceivedAt.Add(after) }
	w.idle(t, uuid.New(), &s.src.ID, "ann", "2", "a star", at(2, time.Microsecond), 4)
	w.idle(t, uuid.New(), &s.src.ID, "ann", "4", "a ping", at(1, time.Microsecond), 1)
	w.idle(t, uuid.New(), &other.src.ID, "bob", "bob's", "a ping", at(0, time.Microsecond), 1)
	w.idle(t, uuid.New(), nil, "", "6", "about nothing", at(0, time.Microsecond), 1)
	w.idle(t, hints[1].ID.UUID, &s.src.ID, "ann", "3", "", at(1, time.Second), 7) // the hint came again

	var got [][]string
	var keys []*projections.HintKey
	for page := (projections.HintPage{Limit: 2, Unowned: true}); ; {
		hints, next, err := w.ListHints(t.Context(), "ann", page)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hints {
			if ignored := h.DeliveryID == "2" || h.DeliveryID == "4" || h.DeliveryID == "6"; ignored != (h.Ignored != "") || h.Origin != "webhook" {
				t.Errorf("got %+v", h)
			}
			if want := map[string]int64{"2": 3, "3": 7}[h.DeliveryID]; h.Repeats != want || want > 0 && h.RepeatedAt.Before(h.ReceivedAt) {
				t.Errorf("%s: got %d repeats at %s, want %d", h.DeliveryID, h.Repeats, h.RepeatedAt, want)
			}
		}
		got, keys = append(got, deliveries(hints)), append(keys, next)
		if next == nil {
			break
		}
		page.Before = next
	}
	if diff := cmp.Diff([][]string{{"6", "5"}, {"4", "3"}, {"2", "1"}}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for name, tt := range map[string]struct {
		owner domain.OwnerID
		page  projections.HintPage
		want  []string
	}{
		"without what is about nothing": {"ann", projections.HintPage{Limit: 9}, []string{"5", "4", "3", "2", "1"}},
		"newer than a key":              {"ann", projections.HintPage{Limit: 9, After: keys[1]}, []string{"4", "5"}},
		"of one source":                 {"ann", projections.HintPage{Limit: 3, Unowned: true, Source: s.src.ID}, []string{"5", "4", "3"}},
		"of another owner":              {"bob", projections.HintPage{Limit: 9}, []string{"bob's"}},
	} {
		hints, _, err := w.ListHints(t.Context(), tt.owner, tt.page)
		if diff := cmp.Diff(tt.want, deliveries(hints)); diff != "" || err != nil {
			t.Errorf("%s: error %v, (-want +got):\n%s", name, err, diff)
		}
	}
}
