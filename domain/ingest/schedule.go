package ingest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/confuse/data-connector/domain"
)

// scheduleOf reads the option syncSchedule of a config that checkConfig has
// passed; nil when there is none. The error is an InvalidError naming it.
func scheduleOf(config json.RawMessage) (cron.Schedule, error) {
	var c struct {
		SyncSchedule string `json:"syncSchedule"`
	}
	if err := json.Unmarshal(config, &c); err != nil || c.SyncSchedule == "" {
		return nil, nil //nolint:nilerr // checkConfig has passed it: there is no such option
	}
	schedule, err := cron.ParseStandard(c.SyncSchedule)
	if err != nil {
		return nil, &domain.InvalidError{
			Field: "config.syncSchedule", Problem: fmt.Sprintf("%q is no schedule", c.SyncSchedule),
			Allowed: "minute hour day month weekday in UTC, e.g. 0 */6 * * *, or @hourly, @daily, @every 2h",
		}
	}
	return schedule, nil
}

// slotOf is when the schedule of src comes next after its newest job; zero when it
// has none. It is in UTC unless the schedule names a zone.
func slotOf(src domain.Source) time.Time {
	schedule, err := scheduleOf(src.Config)
	if err != nil || schedule == nil {
		return time.Time{}
	}
	return schedule.Next(src.RequestedAt.UTC())
}
