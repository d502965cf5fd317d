package projections_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// I10: another owner's things answer exactly as unknown ones.
func TestReadsAreScoped(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	job := s.src.Jobs[0].ID
	f := s.file(domain.FileAdded, "a.go", "one")
	w.project(t, l)
	nobody := domain.SourceID{UUID: uuid.New()}

	reads := map[string]struct {
		want error
		read func(owner domain.OwnerID, s domain.SourceID, f domain.FileID, j domain.JobID) error
	}{
		"GetSource": {domain.ErrSourceNotFound, func(o domain.OwnerID, s domain.SourceID, _ domain.FileID, _ domain.JobID) error {
			_, err := w.GetSource(t.Context(), o, s)
			return err
		}},
		"ListFiles": {domain.ErrSourceNotFound, func(o domain.OwnerID, s domain.SourceID, _ domain.FileID, _ domain.JobID) error {
			_, _, err := w.ListFiles(t.Context(), o, s, projections.FileFilter{}, projections.FileKey{}, 10)
			return err
		}},
		"CountFiles": {domain.ErrSourceNotFound, func(o domain.OwnerID, s domain.SourceID, _ domain.FileID, _ domain.JobID) error {
			_, err := w.CountFiles(t.Context(), o, s, projections.FileFilter{Language: "Go"})
			return err
		}},
		"Languages": {domain.ErrSourceNotFound, func(o domain.OwnerID, s domain.SourceID, _ domain.FileID, _ domain.JobID) error {
			_, err := w.Languages(t.Context(), o, s)
			return err
		}},
		"GetFile": {domain.ErrFileNotFound, func(o domain.OwnerID, _ domain.SourceID, f domain.FileID, _ domain.JobID) error {
			_, err := w.GetFile(t.Context(), o, f)
			return err
		}},
		"GetJob": {domain.ErrJobNotFound, func(o domain.OwnerID, _ domain.SourceID, _ domain.FileID, j domain.JobID) error {
			_, err := w.GetJob(t.Context(), o, j)
			return err
		}},
	}
	for name, r := range reads {
		t.Run(name, func(t *testing.T) {
			if err := r.read("ann", s.src.ID, f.FileID, job); err != nil {
				t.Errorf("got %v for the owner", err)
			}
			if err := r.read("bob", s.src.ID, f.FileID, job); !errors.Is(err, r.want) {
				t.Errorf("got %v for another owner, want %v", err, r.want)
			}
			if err := r.read("ann", nobody, domain.FileID(nobody), domain.JobID(nobody)); !errors.Is(err, r.want) {
				t.Errorf("got %v for an unknown id, want %v", err, r.want)
			}
		})
	}
	if j, err := w.GetJobAnyOwner(t.Context(), job); err != nil || j.Owner != "ann" || j.SourceID != s.src.ID {
		t.Errorf("got %+v, error %v for the gateway; want ann's job", j, err)
	}
	if source, j, err := w.Job(t.Context(), job); err != nil || source != s.src.ID || j.ID != job || j.Mode != domain.SyncFull {
		t.Errorf("got job %+v of %s, error %v from the index; want ann's job", j, source, err)
	}
	if _, _, err := w.Job(t.Context(), domain.JobID(nobody)); !errors.Is(err, domain.ErrJobNotFound) {
		t.Errorf("got %v from the index for an unknown id, want ErrJobNotFound", err)
	}
}

// A statement that was prepared before the tables were made anew fails once.
func TestReadAfterTablesChanged(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	w.project(t, l)
	for _, change := range []string{`SELECT`, `ALTER TABLE sources ALTER COLUMN state TYPE text`} {
		if _, err := w.db.Exec(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Source(t.Context(), s.src.ID); err != nil {
			t.Errorf("got %v after %q", err, change)
		}
	}
}

func TestListSourcesAndJobs(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	var ids []domain.SourceID
	for range 3 {
		s := newStory(t, l, "ann")
		ids = append(ids, s.src.ID)
		s.start()
		s.complete()
		s.request(domain.SyncFull)
	}
	newStory(t, l, "bob")
	w.project(t, l)

	for _, tt := range []struct{ limit, offset, want int }{{10, 0, 3}, {2, 0, 2}, {2, 2, 1}, {2, 4, 0}} {
		sources, total, err := w.ListSources(t.Context(), "ann", tt.limit, tt.offset)
		if err != nil || total != 3 || len(sources) != tt.want {
			t.Fatalf("got %d of %d sources, error %v; want %d of 3", len(sources), total, err, tt.want)
		}
		for i, s := range sources {
			if s.ID != ids[tt.offset+i] {
				t.Errorf("got source %s at %d, want the oldest first", s.ID, i)
			}
		}
	}
	for _, tt := range []struct {
		owner  domain.OwnerID
		filter projections.JobFilter
		want   int64
	}{
		{"ann", projections.JobFilter{}, 6},
		{"ann", projections.JobFilter{Source: ids[0]}, 2},
		{"ann", projections.JobFilter{Status: domain.JobQueued}, 3},
		{"ann", projections.JobFilter{Source: ids[0], Status: domain.JobCompleted}, 1},
		{"bob", projections.JobFilter{Source: ids[0]}, 0},
	} {
		jobs, total, err := w.ListJobs(t.Context(), tt.owner, tt.filter, 10, 0)
		if err != nil || total != tt.want || len(jobs) != int(tt.want) {
			t.Errorf("got %d of %d jobs for %+v, error %v; want %d", len(jobs), total, tt.filter, err, tt.want)
		}
		if !slices.IsSortedFunc(jobs, func(a, b projections.JobRow) int { return b.RequestedAt.Compare(a.RequestedAt) }) {
			t.Errorf("got jobs of %+v not in order, want the newest first", tt.filter)
		}
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	const many = 450 // more than two pages
	for range many {
		newStory(t, l, "ann")
	}
	w.project(t, l)
	got := map[domain.SourceID]bool{}
	for s, err := range w.Candidates(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[s.ID] = true
	}
	if len(got) != many {
		t.Errorf("got %d candidates, want %d", len(got), many)
	}
	for range w.Candidates(t.Context()) {
		break // it must not go on
	}
}

func TestLanguagesAndTotals(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	for _, f := range []struct{ path, language, body string }{{"a", "Go", "1"}, {"b", "Go", "22"}, {"c", "C", "333"}, {"d", "", "4"}, {"e", "Go", "5"}} {
		e := s.changed(domain.FileAdded, f.path, f.body)
		e.Language = f.language
		l.add(t, e)
	}
	s.file(domain.FileRemoved, "e", "")
	w.project(t, l)
	languages, err := w.Languages(t.Context(), "ann", s.src.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int64{"Go": 2, "C": 1}, languages); diff != "" {
		t.Errorf("languages (-want +got):\n%s", diff)
	}
	totals, err := w.Totals(t.Context(), s.src.ID)
	if err != nil || totals != (domain.Totals{Files: 4, Bytes: 7}) {
		t.Errorf("got %+v, error %v; want 4 files of 7 bytes", totals, err)
	}
}

// Connections that the database has ended cost a read other tries, which nobody
// sees.
func TestReadsOutliveTheirConnections(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	w.project(t, l)
	admin, err := pgx.ConnectConfig(t.Context(), w.db.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.Background()) }() // nothing is open on it
	for range 20 {
		if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
			t.Fatal(err)
		}
		if _, err := w.GetSource(t.Context(), "ann", s.src.ID); err != nil {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := w.db.Exec(t.Context(), `SELECT pg_terminate_backend(pg_backend_pid())`); !projections.Passing(err) {
		t.Errorf("got %v, want trouble that passes", err)
	}
	if _, err := w.db.Exec(t.Context(), `SELECT 1/0`); projections.Passing(err) {
		t.Errorf("got %v, want trouble that does not pass", err)
	}
}

// Tables with other columns leave a stale plan on each connection; a page is read
// whatever connection it gets.
func TestPagesOutliveTheirPlans(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	s.file(domain.FileAdded, "a.go", "one")
	s.complete()
	w.project(t, l)
	read := func() {
		t.Helper()
		files, _, err := w.ListFiles(t.Context(), "ann", s.src.ID, projections.FileFilter{}, projections.FileKey{}, 10)
		if err != nil || len(files) != 1 {
			t.Fatalf("got %d files, %v, want 1", len(files), err)
		}
	}
	var held []*pgxpool.Conn
	for range 4 { // the one that was used last is the next one
		read()
		conn, err := w.db.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	for _, conn := range held {
		conn.Release()
	}
	if _, err := w.db.Exec(t.Context(), `ALTER TABLE files ALTER language TYPE varchar`); err != nil {
		t.Fatal(err)
	}
	read()
}

// A connected source that is not folded yet is told by its partition: it must not
// be taken for one that never was.
func TestUnknownSources(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 3)
	s := newStory(t, l, "ann")
	if _, err := w.db.Exec(t.Context(), `INSERT INTO app.source_keys (owner_id, provider, external_key, source_id, event_id, event, partition, created_at)
		VALUES ('ann', 'localfs', 'k', $1, $1, '{}', 3, now())`, [16]byte(s.src.ID.UUID)); err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]int32{{3}, nil} {
		if got, err := w.UnknownSources(t.Context()); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
		w.project(t, l)
	}
}
