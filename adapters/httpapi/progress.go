package httpapi

import (
	"time"

	"github.com/confuse/data-connector/domain"
)

// A progress is how far a job has come.
type progress struct {
	done, total int64
	percent     *int // nil while nobody can know
}

// progressOf estimates from what source held before the job: a listing does not
// say how long it is. A running job never shows 100.
func progressOf(j domain.Job, source domain.Source) progress {
	p := progress{done: j.Counts.Listed, total: j.Counts.Listed}
	if j.Mode == domain.SyncRemove {
		p.done = j.Counts.Removed
		p.total = p.done
		if j.Status.Open() {
			p.total += source.Totals.Files
		}
	}
	known := !source.SyncedAt.IsZero() || j.Mode == domain.SyncRemove
	if j.Status.Open() && known {
		p.total = max(p.total, source.Totals.Files)
	}
	switch {
	case j.Status == domain.JobCompleted:
		p.percent = percent(100)
	case j.Status == domain.JobQueued && p.done == 0:
		p.percent = percent(0)
	case j.Status.Open() && known && p.total > 0:
		p.percent = percent(int(min(99, 100*p.done/p.total)))
	}
	return p
}

func percent(n int) *int { return &n }

// end is when the job will be done if it goes on as it went; zero if unknown.
func (p progress) end(started, now time.Time) time.Time {
	if p.percent == nil || *p.percent == 0 || *p.percent == 100 || started.IsZero() {
		return time.Time{}
	}
	return started.Add(now.Sub(started) * 100 / time.Duration(*p.percent)).UTC().Truncate(time.Second)
}
