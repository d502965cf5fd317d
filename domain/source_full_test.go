package domain_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

func TestSourceFullDue(t *testing.T) {
	t.Parallel()

	const every = 24 * time.Hour
	synced := domain.Source{Registered: true, SyncedAt: noon, FullAt: noon}
	with := func(change func(*domain.Source)) domain.Source {
		s := synced
		change(&s)
		return s
	}
	tests := map[string]struct {
		given domain.Source
		now   time.Time
		slot  time.Time
		every time.Duration
		want  bool
	}{
		"its time has come":          {given: synced, now: noon.Add(every), every: every, want: true},
		"not yet":                    {given: synced, now: noon.Add(every - 1), every: every},
		"it never comes":             {given: synced, now: noon.Add(1000 * every)},
		"of an older version":        {given: with(func(s *domain.Source) { s.FullAt = time.Time{} }), now: noon.Add(1), every: every, want: true},
		"its schedule is waited for": {given: synced, now: noon.Add(every), slot: noon.Add(2 * every), every: every},
		"its schedule has come":      {given: synced, now: noon.Add(every), slot: noon.Add(every), every: every, want: true},
		"never synced":               {given: with(func(s *domain.Source) { s.SyncedAt = time.Time{} }), now: noon.Add(every), every: every},
		"it fails":                   {given: with(func(s *domain.Source) { s.Failure = &domain.Failure{Code: domain.CodeGone} }), now: noon.Add(every), every: every},
		"it has a job":               {given: with(func(s *domain.Source) { s.Jobs = []domain.Job{{Mode: domain.SyncIncremental}} }), now: noon.Add(every), every: every},
		"it is paused":               {given: with(func(s *domain.Source) { s.Paused = true }), now: noon.Add(every), every: every},
		"its credential has expired": {given: with(func(s *domain.Source) { s.CredentialExpired = true }), now: noon.Add(every), every: every},
		"it is being removed":        {given: with(func(s *domain.Source) { s.Removing = true }), now: noon.Add(every), every: every},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			e, due := tt.given.FullDue(tt.now, tt.slot, tt.every)
			if due != tt.want || due && (e.Change != domain.SourceSyncRequested || e.Mode != domain.SyncFull || e.Trigger != domain.TriggerSchedule) {
				t.Errorf("got %+v, %v, want due %v", e, due, tt.want)
			}
		})
	}
}
