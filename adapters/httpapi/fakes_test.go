package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
	"github.com/confuse/data-connector/projections"
)

func (w *world) Connect(_ context.Context, r ingest.ConnectRequest) (ingest.Accepted, error) {
	w.connects = append(w.connects, r)
	return w.connected, w.err
}

func (w *world) RequestSync(_ context.Context, r ingest.SyncRequest) (ingest.Accepted, error) {
	w.syncs = append(w.syncs, r)
	return w.synced, w.err
}

func (w *world) Remove(_ context.Context, r ingest.RemoveRequest) (ingest.Accepted, error) {
	w.removes = append(w.removes, r)
	return w.removed, w.err
}

func (w *world) Pause(_ context.Context, r ingest.ChangeRequest) (ingest.Accepted, error) {
	return w.change("pause", r)
}

func (w *world) Resume(_ context.Context, r ingest.ChangeRequest) (ingest.Accepted, error) {
	return w.change("resume", r)
}

func (w *world) ReleaseDeletes(_ context.Context, r ingest.ChangeRequest) (ingest.Accepted, error) {
	return w.change("release", r)
}

func (w *world) Update(_ context.Context, r ingest.UpdateRequest) (ingest.Accepted, error) {
	return w.change("update", r)
}

func (w *world) AttachCredential(_ context.Context, r ingest.CredentialRequest) (ingest.Accepted, error) {
	return w.change("attach", r)
}

func (w *world) Takes(provider string) bool { return provider == "github" }

func (w *world) Take(context.Context, ingest.Arrival) (ingest.Taken, error) {
	return ingest.Taken{Hints: 1, Job: newJob}, w.err
}

func (w *world) Make(_ context.Context, _ domain.OwnerID, id domain.SourceID) (ingest.SourceHook, error) {
	return ingest.SourceHook{Source: id, URL: "https://dc.example.com/webhooks/github/5f0c", Secret: "whsec"}, w.err
}

func (w *world) Show(_ context.Context, _ domain.OwnerID, id domain.SourceID) (ingest.SourceHook, error) {
	return ingest.SourceHook{
		Source: id, URL: "https://dc.example.com/webhooks/github/5f0c", Secret: "whsec", HookID: "42", EnsuredAt: noon.Add(-time.Hour), TriedAt: noon, Failure: "the credential may not manage webhooks",
	}, w.err
}

func (w *world) CancelJob(_ context.Context, r ingest.JobRequest) (ingest.Accepted, error) {
	return w.change("cancel", r)
}

func (w *world) RetryJob(_ context.Context, r ingest.JobRequest) (ingest.Accepted, error) {
	return w.change("retry", r)
}

// A changeAsk is how a change was asked for.
type changeAsk struct {
	verb    string
	request any
}

func (w *world) change(verb string, request any) (ingest.Accepted, error) {
	w.changes = append(w.changes, changeAsk{verb, request})
	a := w.changed
	switch verb {
	case "pause", "resume":
		a.Source.Paused, a.Job = verb == "pause", domain.Job{}
	case "update":
		a.Job.Trigger = domain.TriggerUpdate
	case "release":
		a.Source.Held, a.Job.Trigger = nil, domain.TriggerRelease
	case "cancel":
		a.Job = domain.Job{ID: openJob} // it has ended
		w.jobs[0].Status, w.jobs[0].EndedAt = domain.JobCancelled, noon
	}
	return a, w.err
}

func (w *world) ListSources(_ context.Context, owner domain.OwnerID, limit, offset int) (list []domain.Source, total int64, err error) {
	w.reads++
	for _, s := range w.sources {
		if s.Owner != owner {
			continue
		}
		if total++; total > int64(offset) && len(list) < limit {
			list = append(list, s)
		}
	}
	return list, total, w.err
}

func (w *world) GetSource(_ context.Context, _ domain.OwnerID, id domain.SourceID) (domain.Source, error) {
	w.reads++
	s, ok := w.sources[id]
	if !ok {
		return s, domain.ErrSourceNotFound
	}
	return s, w.err
}

// A fileAsk is how a listing of files was asked for.
type fileAsk struct {
	filter projections.FileFilter
	after  projections.FileKey
	limit  int
}

func (w *world) ListFiles(_ context.Context, _ domain.OwnerID, source domain.SourceID, f projections.FileFilter, after projections.FileKey, limit int,
) (files []projections.FileRow, next *projections.FileKey, err error) {
	w.reads++
	w.fileAsks = append(w.fileAsks, fileAsk{f, after, limit})
	for _, file := range w.files {
		if file.SourceID != source || bytes.Compare(file.RawPath(), after.Path) <= 0 {
			continue
		}
		if len(files) == limit {
			last := files[limit-1]
			return files, &projections.FileKey{Path: last.RawPath(), ID: last.ID}, w.err
		}
		files = append(files, file)
	}
	return files, nil, w.err
}

func (w *world) CountFiles(_ context.Context, _ domain.OwnerID, source domain.SourceID, _ projections.FileFilter) (n int64, err error) {
	for _, file := range w.files {
		if file.SourceID == source {
			n++
		}
	}
	return n, w.err
}

func (w *world) GetFile(_ context.Context, _ domain.OwnerID, id domain.FileID) (projections.FileRow, error) {
	w.reads++
	i := slices.IndexFunc(w.files, func(f projections.FileRow) bool { return f.ID == id })
	if i < 0 {
		return projections.FileRow{}, domain.ErrFileNotFound
	}
	return w.files[i], w.err
}

func (w *world) Languages(context.Context, domain.OwnerID, domain.SourceID) (map[string]int64, error) {
	return map[string]int64{"Go": 1, "Markdown": 1}, w.err
}

func (w *world) Indexed(_ context.Context, ids []domain.FileID) (map[domain.FileID]time.Time, error) {
	at := map[domain.FileID]time.Time{}
	if slices.Contains(ids, readme) {
		at[readme] = noon
	}
	return at, w.err
}

func (w *world) ListJobs(_ context.Context, owner domain.OwnerID, f projections.JobFilter, limit, _ int) (jobs []projections.JobRow, total int64, err error) {
	w.reads++
	w.jobAsks = append(w.jobAsks, f)
	for _, j := range w.jobs {
		if j.Owner != owner || f.Source != (domain.SourceID{}) && f.Source != j.SourceID || f.Status != "" && f.Status != j.Status {
			continue
		}
		if total++; len(jobs) < limit {
			jobs = append(jobs, j)
		}
	}
	return jobs, total, w.err
}

func (w *world) GetJob(ctx context.Context, _ domain.OwnerID, id domain.JobID) (projections.JobRow, error) {
	return w.GetJobAnyOwner(ctx, id)
}

func (w *world) GetJobAnyOwner(_ context.Context, id domain.JobID) (projections.JobRow, error) {
	w.reads++
	i := slices.IndexFunc(w.jobs, func(j projections.JobRow) bool { return j.ID == id })
	if i < 0 {
		return projections.JobRow{}, domain.ErrJobNotFound
	}
	return w.jobs[i], w.err
}

func (w *world) Read(ctx context.Context, partition int32, from, to int64) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		for _, r := range w.records {
			if r.Position.Partition == partition && r.Position.Offset >= from && r.Position.Offset < to && !yield(r, nil) {
				return
			}
		}
		switch {
		case w.err != nil:
			yield(domain.Record{}, w.err)
		case to == math.MaxInt64:
			w.follow(ctx, yield)
		}
	}
}

// follow gives what comes, until ctx ends.
func (w *world) follow(ctx context.Context, yield func(domain.Record, error) bool) {
	for {
		select {
		case r := <-w.more:
			if !yield(r, nil) {
				return
			}
		case <-ctx.Done():
			if w.left != nil {
				close(w.left)
			}
			yield(domain.Record{}, ctx.Err())
			return
		}
	}
}

func (w *world) Open(_ context.Context, c domain.ClaimCheck) (io.ReadCloser, error) {
	text, ok := w.contents[c.SHA256]
	if !ok {
		return nil, domain.ErrContentLost
	}
	return &checkedReader{r: bytes.NewReader([]byte(text)), damaged: int64(len(text)) != c.Size || domain.Digest(sha256.Sum256([]byte(text))) != c.SHA256}, nil
}

// checkedReader keeps the promise of domain.Packs: the end is ErrContentLost when
// the bytes are not those that were asked for.
type checkedReader struct {
	r       io.Reader
	damaged bool
}

func (c *checkedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if err == io.EOF && c.damaged {
		err = domain.ErrContentLost
	}
	return n, err
}

func (c *checkedReader) Close() error { return nil }

func (w *world) Wait(ctx context.Context, p domain.Position) error {
	w.waits = append(w.waits, p)
	if w.wait != nil {
		return w.wait(ctx)
	}
	return nil
}

func (w *world) Now() time.Time                         { return noon }
func (w *world) After(d time.Duration) <-chan time.Time { return w.ticks[d] }
