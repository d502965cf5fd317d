package projections_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// The sources that an installation opens are found by an index, whoever owns them.
func TestInstalledSources(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	const many = 205 // more than one page
	var want []domain.SourceID
	for i := range many {
		s := newStory(t, l, domain.OwnerID("owner "+string(rune('a'+i%3))))
		e := s.event(domain.SourceUpdated)
		e.Version, e.Name, e.Config = 1, "a", json.RawMessage(`{"installationId":"34"}`)
		s.tell(e)
		want = append(want, s.src.ID)
	}
	another := newStory(t, l, "ann")
	e := another.event(domain.SourceCredentialAttached)
	e.Version, e.CredentialID, e.Installation = 1, "cred-1", "35"
	another.tell(e)
	none := newStory(t, l, "ann")
	none.request(domain.SyncFull)
	w.project(t, l)
	for installation, want := range map[string][]domain.SourceID{"34": want, "35": {another.src.ID}, "": nil, "36": nil} {
		var got []domain.SourceID
		for s, err := range w.InstalledSources(t.Context(), "localfs", installation) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("installation %q: got %d sources, want %d", installation, len(got), len(want))
		}
	}
	for _, err := range w.InstalledSources(t.Context(), "github", "34") {
		t.Errorf("got a source of another provider, error %v", err)
	}
	if _, err := w.db.Exec(t.Context(), `ANALYZE sources`); err != nil {
		t.Fatal(err)
	}
	var plan string
	rows, err := w.db.Query(t.Context(), `EXPLAIN SELECT state FROM sources WHERE provider = 'localfs' AND installation = '35' AND installation <> '' AND source_id > $1 ORDER BY source_id LIMIT 200`, [16]byte{})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan += line + "\n"
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan, "sources_installed") {
		t.Errorf("got the plan\n%s", plan)
	}
}
