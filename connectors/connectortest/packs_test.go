package connectortest_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
)

func store(t *testing.T, w *connectortest.World, name, content string) domain.ClaimCheck {
	t.Helper()
	pack, err := w.Packs.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	staged, err := pack.Stage(t.Context(), bytes.NewReader([]byte(content)))
	if err != nil {
		t.Fatal(err)
	}
	check, err := pack.Keep(staged)
	if err == nil {
		err = pack.Commit(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return check
}

func TestPacksAreListedAndDeleted(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	one, other := w.Connect(domain.Source{Provider: "memory"}).ID, w.Connect(domain.Source{Provider: "memory"}).ID
	first := "packs/" + one.String() + "/1-a/0"
	second := "packs/" + one.String() + "/1-a/1"
	began := w.Clock.Now()
	check := store(t, w, first, "")
	w.Clock.Turn(time.Hour)
	store(t, w, second, "abc")
	store(t, w, "packs/"+other.String()+"/1-a/0", "abc")

	want := []domain.PackInfo{{Name: first, ModTime: began}, {Name: second, Size: 3, ModTime: began.Add(time.Hour)}}
	if diff := cmp.Diff(want, list(t, w, one)); diff != "" {
		t.Errorf("packs (-want +got):\n%s", diff)
	}
	for range 2 {
		if err := w.Packs.Delete(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want[1:], list(t, w, one)); diff != "" {
		t.Errorf("packs behind a delete (-want +got):\n%s", diff)
	}
	if _, err := w.Packs.Open(t.Context(), check); !errors.Is(err, domain.ErrContentLost) {
		t.Errorf("got error %v, want %v", err, domain.ErrContentLost)
	}
	if err := w.Packs.DropSource(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if got := [2]int{len(list(t, w, one)), len(list(t, w, other))}; got != [2]int{0, 1} {
		t.Errorf("got %v packs behind a drop, want none and one", got)
	}
}

func list(t *testing.T, w *connectortest.World, source domain.SourceID) (infos []domain.PackInfo) {
	t.Helper()
	for info, err := range w.Packs.List(t.Context(), source) {
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	return infos
}
