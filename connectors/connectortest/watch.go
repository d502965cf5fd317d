package connectortest

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/confuse/data-connector/domain"
)

// A watch reports events that must not be on a log. The log calls it one event
// at a time.
type watch struct {
	t          testing.TB
	packs      *Packs
	partitions map[domain.SourceID]int32
	said       map[domain.EventID]string // what the event with this id says
}

func newWatch(t testing.TB, packs *Packs) *watch {
	return &watch{t: t, packs: packs, partitions: map[domain.SourceID]int32{}, said: map[domain.EventID]string{}}
}

func (w *watch) look(m domain.Message) {
	w.t.Helper()
	if (m.ID == domain.EventID{}) {
		w.t.Errorf("append: event without id: %+v", m.Event)
	}
	source := sourceOf(m.Event)
	if p, ok := w.partitions[source]; ok && p != m.Partition {
		w.t.Errorf("append: source %s is in partition %d, its event in %d", source, p, m.Partition)
	}
	w.partitions[source] = m.Partition
	switch e := m.Event.(type) {
	case domain.FileChanged:
		w.file(m.ID, e)
	case domain.SourceChanged:
		w.source(e)
	}
}

func (w *watch) file(id domain.EventID, e domain.FileChanged) {
	w.t.Helper()
	if e.Content != nil && !w.packs.holds(*e.Content) {
		w.t.Errorf("I1: %s %q is appended before its content is stored", e.Change, e.Path)
	}
	if !e.Change.Known() || e.Kind == "" || e.Attributes == nil || e.Seq <= 0 || e.Run <= 0 || e.RunID == (domain.RunID{}) || e.FileID == (domain.FileID{}) {
		w.t.Errorf("append: incomplete event: %+v", e)
	}
	if !utf8.ValidString(e.Path) || strings.ContainsRune(e.Path, 0) || e.Path == "" {
		w.t.Errorf("append: path %q of %s", e.Path, e.Change)
	}
	content := ""
	if e.Content != nil {
		content = e.Content.SHA256.String()
	}
	says := strings.Join([]string{e.FileID.String(), string(e.Change), string(e.RawPath()), content}, "\x00")
	if before, ok := w.said[id]; ok && before != says {
		w.t.Errorf("append: event id %s means %q and %q", id, before, says)
	}
	w.said[id] = says
}

func (w *watch) source(e domain.SourceChanged) {
	w.t.Helper()
	if !e.Change.Known() {
		w.t.Errorf("append: unknown change %q", e.Change)
	}
	if e.Change.InRun() && (e.Run <= 0 || e.RunID == (domain.RunID{})) {
		w.t.Errorf("append: %s without a run", e.Change)
	}
	if e.Cursor == nil {
		return
	}
	if b, err := json.Marshal(e.Cursor); err != nil || len(b) > domain.MaxCursor {
		w.t.Errorf("append: cursor of %d bytes, error %v", len(b), err)
	}
}
