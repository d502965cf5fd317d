package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
	schedule, err := parseSchedule(c.SyncSchedule)
	if err != nil {
		return nil, &domain.InvalidError{
			Field: "config.syncSchedule", Problem: fmt.Sprintf("%q is no schedule", c.SyncSchedule),
			Allowed: "minute hour day month weekday in UTC, e.g. 0 */6 * * *, or @hourly, @daily, @every 2h; not more often than every minute",
		}
	}
	return schedule, nil
}

// errNoSchedule is text that is no schedule here, though a parser may take it.
var errNoSchedule = errors.New("no schedule")

func parseSchedule(text string) (cron.Schedule, error) {
	if strings.Contains(text, "TZ=") { // all schedules are in UTC
		return nil, errNoSchedule
	}
	schedule, err := cron.ParseStandard(text)
	if err != nil {
		return nil, err
	}
	if often, ok := schedule.(cron.ConstantDelaySchedule); ok && often.Delay < time.Minute {
		return nil, errNoSchedule
	}
	return schedule, nil
}

// slotOf is when the schedule of src comes next after its newest job; zero when it
// has none.
func slotOf(src domain.Source) time.Time {
	schedule, err := scheduleOf(src.Config)
	if err != nil || schedule == nil {
		return time.Time{}
	}
	return schedule.Next(src.RequestedAt.UTC())
}
