package httpapi_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func TestListFilesPassesItsFilter(t *testing.T) {
	t.Parallel()

	tests := map[string]fileAsk{
		"":                  {limit: 100},
		"?limit=1000":       {limit: 1000},
		"?pathPrefix=cmd/":  {limit: 100, filter: projections.FileFilter{PathPrefix: "cmd/"}},
		"?path=cmd/":        {limit: 100, filter: projections.FileFilter{PathPrefix: "cmd/"}},
		"?path=a&language=": {limit: 100, filter: projections.FileFilter{PathPrefix: "a"}},
		"?path=%C3%BC%0A&pathPrefix=%C3%BC%0A&language=C%2B%2B&kind=symlink&changedSince=2026-03-01T13:00:00%2B01:00": {
			limit: 100, filter: projections.FileFilter{PathPrefix: "ü\n", Language: "C++", Kind: domain.KindSymlink, ChangedSince: noon},
		},
	}
	for query, want := range tests {
		t.Run(query, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			if r := call(t, httpapi.New(parts(w)), "GET", "/sources/"+annSource.String()+"/files"+query, ""); r.StatusCode != 200 {
				t.Fatalf("got %d %s", r.StatusCode, r.Body)
			}
			if diff := cmp.Diff(want, w.fileAsks[0], cmp.AllowUnexported(fileAsk{})); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListFilesPages(t *testing.T) {
	t.Parallel()

	w := newWorld()
	w.files[0].PathRaw = []byte("README\xff.md") // sorts between the others as it is
	api := httpapi.New(parts(w))
	var paths []string
	for cursor := ""; ; {
		var page struct {
			Files []struct{ Path string }
			Total int
			Next  string
		}
		r := call(t, api, "GET", "/sources/"+annSource.String()+"/files?limit=1&cursor="+url.QueryEscape(cursor), "")
		if err := json.Unmarshal(r.Body, &page); err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Files {
			paths = append(paths, f.Path)
		}
		if page.Total != 3 {
			t.Errorf("got total %d, want 3", page.Total)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if want := []string{"README.md", "cmd/main.go", "link"}; !slices.Equal(paths, want) {
		t.Errorf("got %q, want %q", paths, want)
	}
	if after := w.fileAsks[1].after; string(after.Path) != "README\xff.md" || after.ID != readme {
		t.Errorf("the cursor lost the raw path or the id: %+v", after)
	}
}

func TestListJobsPassesItsFilter(t *testing.T) {
	t.Parallel()

	w := newWorld()
	api := httpapi.New(parts(w))
	r := call(t, api, "GET", "/jobs?status=completed&sourceId="+annSource.String(), "")
	if want := (projections.JobFilter{Source: annSource, Status: domain.JobCompleted}); r.StatusCode != 200 || w.jobAsks[0] != want {
		t.Errorf("got %d asking %+v, want %+v", r.StatusCode, w.jobAsks[0], want)
	}
	if r := call(t, api, "GET", "/jobs?status=cancelled&sourceId="+annSource.String(), ""); r.StatusCode != 200 {
		t.Errorf("none in this state: got %d, want 200", r.StatusCode)
	}
}

func TestListEventsPages(t *testing.T) {
	t.Parallel()

	type page struct {
		Events []struct{ Position, Change string }
		Next   int64
		End    bool
	}
	tests := map[string]page{
		"?limit=1":        {Next: 8, Events: []struct{ Position, Change string }{{"3:7", "registered"}}},
		"?limit=1&from=8": {Next: 11, Events: []struct{ Position, Change string }{{"3:10", "added"}}},
		"?from=11":        {Next: 11, End: true, Events: []struct{ Position, Change string }{}},
		"?from=500":       {Next: 500, End: true, Events: []struct{ Position, Change string }{}},
	}
	for query, want := range tests {
		t.Run(query, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			w.records = someRecords()
			var got page
			if err := json.Unmarshal(call(t, httpapi.New(parts(w)), "GET", "/sources/"+annSource.String()+"/events"+query, "").Body, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A source in a partition full of others' events is read in bounded steps.
func TestListEventsIsBounded(t *testing.T) {
	t.Parallel()

	w := newWorld()
	for offset := range int64(10_001) {
		w.records = append(w.records, domain.Record{
			Position: domain.Position{Partition: 3, Offset: offset}, Event: domain.SourceChanged{SourceID: bobSource, Change: domain.SourceHintReceived}, Raw: []byte(`{}`),
		})
	}
	var got struct {
		Events []json.RawMessage
		Next   int64
		End    bool
	}
	if err := json.Unmarshal(call(t, httpapi.New(parts(w)), "GET", "/sources/"+annSource.String()+"/events", "").Body, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Events) != 0 || got.Next != 10_000 || got.End {
		t.Errorf("got %+v, want none, next 10000, not the end", got)
	}
}

func TestListEventsTellsAReadError(t *testing.T) {
	t.Parallel()

	w := newWorld()
	w.records, w.err = someRecords(), domain.ErrUnavailable
	wantRefusal(t, call(t, httpapi.New(parts(w)), "GET", "/sources/"+annSource.String()+"/events", ""), 503, "UNAVAILABLE")
}

func TestJobProgress(t *testing.T) {
	t.Parallel()

	percent := func(n int) *int { return &n }
	started := noon.Add(-time.Minute)
	tests := map[string]struct {
		job    domain.Job
		synced bool // the source, which holds 100 files
		want   *int
		total  int64
		end    time.Time
	}{
		"queued":                    {domain.Job{Status: domain.JobQueued, Mode: domain.SyncFull}, true, percent(0), 100, time.Time{}},
		"first listing":             {domain.Job{Status: domain.JobRunning, Mode: domain.SyncFull, Counts: domain.Counts{Listed: 40}}, false, nil, 40, time.Time{}},
		"half of a re-listing":      {domain.Job{Status: domain.JobRunning, Mode: domain.SyncFull, StartedAt: started, Counts: domain.Counts{Listed: 50}}, true, percent(50), 100, noon.Add(time.Minute)},
		"more than there was":       {domain.Job{Status: domain.JobRunning, Mode: domain.SyncFull, StartedAt: started, Counts: domain.Counts{Listed: 500}}, true, percent(99), 500, noon},
		"completed":                 {domain.Job{Status: domain.JobCompleted, Mode: domain.SyncFull, Counts: domain.Counts{Listed: 40}}, true, percent(100), 40, time.Time{}},
		"failed":                    {domain.Job{Status: domain.JobFailed, Mode: domain.SyncFull, Counts: domain.Counts{Listed: 40}}, true, nil, 40, time.Time{}},
		"removal, nothing left out": {domain.Job{Status: domain.JobRunning, Mode: domain.SyncRemove, StartedAt: started, Counts: domain.Counts{Removed: 300}}, true, percent(75), 400, noon.Add(20 * time.Second)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			s := domain.Source{ID: annSource, Owner: "ann", Totals: domain.Totals{Files: 100}}
			if tt.synced {
				s.SyncedAt = noon.Add(-time.Hour)
			}
			tt.job.ID = doneJob
			w.sources[annSource] = s
			w.jobs = []projections.JobRow{{Job: tt.job, SourceID: annSource, Owner: "ann"}}
			var got struct {
				Progress            *int
				Stats               struct{ FilesTotal int64 }
				EstimatedCompletion time.Time
			}
			if err := json.Unmarshal(call(t, httpapi.New(parts(w)), "GET", "/jobs/"+doneJob.String(), "").Body, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Progress); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
			if got.Stats.FilesTotal != tt.total {
				t.Errorf("got total %d, want %d", got.Stats.FilesTotal, tt.total)
			}
			if d := got.EstimatedCompletion.Sub(tt.end); d < -time.Second || d > time.Second {
				t.Errorf("got end %s, want %s", got.EstimatedCompletion, tt.end)
			}
		})
	}
}
