package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/domain"
)

var _ domain.DeliveryLog = (*Connector)(nil)

// A sent is one delivery in GitLab's log
// (https://docs.gitlab.com/api/project_webhooks/#list-all-events-for-a-project-webhook).
type sent struct {
	ID     int64  `json:"id"`
	Status string `json:"response_status"` // "200", or "internal error"
}

// Undelivered implements domain.DeliveryLog with one call: GitLab keeps deliveries
// for seven days and never sends one again by itself.
func (c *Connector) Undelivered(ctx context.Context, s domain.Scope, hook, after string) (failed bool, next string, err error) {
	ss, err := c.again(ctx, s)
	if err != nil {
		return false, after, err
	}
	id, err := strconv.ParseInt(hook, 10, 64)
	if err != nil {
		return false, after, nil //nolint:nilerr // no hook of GitLab has such an id
	}
	at := fmt.Sprintf("projects/%d/hooks/%d/events", ss.repo.id, id)
	req, err := ss.api.NewRequest(http.MethodGet, at, &sdk.ListOptions{PerPage: maxPage}, []sdk.RequestOptionFunc{ss.poll(ctx, "deliveries")})
	if err != nil {
		return false, after, classify("deliveries", err)
	}
	var found []sent
	if _, err = ss.api.Do(req, &found); err != nil {
		return false, after, hookError(err)
	}
	from, _ := strconv.ParseInt(after, 10, 64) // 0: all of them
	newest := from
	for _, d := range found {
		if d.ID <= from {
			continue
		}
		newest = max(newest, d.ID)
		failed = failed || !strings.HasPrefix(d.Status, "2")
	}
	return failed, strconv.FormatInt(newest, 10), nil
}
