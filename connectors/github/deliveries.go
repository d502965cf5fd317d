package github

import (
	"context"
	"strconv"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/domain"
)

var _ domain.DeliveryLog = (*Connector)(nil)

// Undelivered implements domain.DeliveryLog with one call: GitHub keeps deliveries
// for three days and never sends one again by itself. Of those that were sent again
// the last one counts.
func (c *Connector) Undelivered(ctx context.Context, s domain.Scope, hook, after string) (failed bool, next string, err error) {
	ss, err := c.again(ctx, s)
	if err != nil {
		return false, after, err
	}
	id, err := strconv.ParseInt(hook, 10, 64)
	if err != nil {
		return false, after, nil //nolint:nilerr // no hook of GitHub has such an id
	}
	owner, repo := ss.name()
	found, _, err := ss.api.Repositories.ListHookDeliveries(ss.poll(ctx, "deliveries"), owner, repo, id, &sdk.ListCursorOptions{PerPage: maxPage})
	if err = ss.hookError(err); err != nil {
		return false, after, err
	}
	from, _ := strconv.ParseInt(after, 10, 64) // 0: all of them
	newest, answered := from, map[string]bool{}
	for _, d := range found { // the newest first
		if d.GetID() <= from {
			continue
		}
		newest = max(newest, d.GetID())
		ok := d.GetStatusCode() >= 200 && d.GetStatusCode() < 300
		failed = failed || !ok && !answered[d.GetGUID()]
		answered[d.GetGUID()] = answered[d.GetGUID()] || ok
	}
	return failed, strconv.FormatInt(newest, 10), nil
}
