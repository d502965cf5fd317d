package domain_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/confuse/data-connector/domain"
)

// After a completed run the files are what the provider held, whatever zombies,
// losers and crashed runs wrote before. The world checks it at each run's end.
func TestCompletedRunIsTheTruth(t *testing.T) {
	t.Parallel()

	ended := 0
	rapid.Check(t, func(t *rapid.T) { ended += newWorld(t).ended })
	if ended == 0 {
		t.Error("no generated log had a completed run")
	}
}

// Duplicates, and events of runs that are not current, change nothing, wherever
// they stand. A duplicate of a hint counts as one more hint.
func TestNoiseChangesNothing(t *testing.T) {
	t.Parallel()

	noise := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		with, without := newState(), newState()
		for i, e := range w.log {
			offset := int64(i) * gap
			with.apply(e.event, offset)
			without.apply(e.event, offset)
			for k := range w.draw("noise", 0, 3) {
				e := w.noise(with.source, i)
				with.apply(e, offset+1+int64(k))
				noise++
				if with.source.BehindHint < without.source.BehindHint {
					t.Fatalf("got hints behind %d, want %d or more", with.source.BehindHint, without.source.BehindHint)
				}
				if d := cmp.Diff(without.source, with.source, cmpopts.IgnoreFields(domain.Source{}, "BehindHint")); d != "" {
					t.Fatalf("source behind %+v at offset %d (-without +with noise):\n%s", e, offset, d)
				}
			}
		}
		if d := cmp.Diff(without.files, with.files); d != "" {
			t.Errorf("files (-without +with noise):\n%s", d)
		}
	})
	if noise == 0 {
		t.Error("no noise was made")
	}
}

// noise is an event that must change nothing behind the i-th one, where the fold
// is s.
func (w *world) noise(s domain.Source, i int) domain.Event {
	switch w.draw("kind of noise", 0, 4) {
	case 0, 1:
		for i -= w.draw("how long ago", 0, i); !w.log[i].firm; { // the registration is
			i--
		}
		return w.log[i].event
	case 2: // somebody whose run is not the current one
		if len(w.workers) > 0 {
			x := *rapid.SampledFrom(w.workers).Draw(w.T, "zombie")
			if !s.Counts(x.claim.RunID) {
				x.seq += 50
				return w.junk(&x)
			}
		}
	case 3: // a stranger with the right numbers
		return w.junk(&worker{claim: claim(s.LastJob, s.Run, runID(1000+i)), seq: s.Seq + 5})
	}
	return claim(s.LastJob, s.Run, runID(2000+i)) // a claim that comes too late
}

// A source that is written to a row and read back anywhere in between folds to
// the same one.
func TestSourceSurvivesItsJSON(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		got := newState()
		for i, e := range w.log {
			got.apply(e.event, int64(i)*gap)
			if rapid.Bool().Draw(t, "cut") {
				got.source = reread(t, got.source)
			}
		}
		if d := cmp.Diff(reread(t, w.source), reread(t, got.source)); d != "" {
			t.Errorf("source (-in one piece +cut):\n%s", d)
		}
	})
}

func reread(t *rapid.T, s domain.Source) domain.Source {
	row, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var again domain.Source
	if err := json.Unmarshal(row, &again); err != nil {
		t.Fatal(err)
	}
	return again
}
