package bitbucket

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strconv"

	"github.com/confuse/data-connector/domain"
)

var _ domain.DeliveryLog = (*Connector)(nil)

// An invocation is a delivery of Data Center.
type invocation struct {
	Start  int64 `json:"start"` // in milliseconds
	Result struct {
		Outcome string `json:"outcome"` // "SUCCESS"; "FAILURE": another status; "ERROR": no answer
	} `json:"result"`
}

// Undelivered implements domain.DeliveryLog with one call. Data Center tells of the
// last delivery of a webhook, which is enough: one that arrived behind a failed one
// made the service look. What Cloud keeps its API does not show.
func (c *Connector) Undelivered(ctx context.Context, s domain.Scope, hook, after string) (failed bool, next string, err error) {
	ss, err := c.again(ctx, s)
	if err != nil {
		return false, after, err
	}
	id, none := strconv.ParseInt(hook, 10, 64)
	if _, own := ss.edition.(server); !own || none != nil {
		return false, after, nil //nolint:nilerr // no hook of Data Center has such an id
	}
	var last invocation
	path, _ := ss.edition.hook(ss, domain.Hook{})
	err = ss.get(ss.poll(ctx, "deliveries"), path+"/"+url.PathEscape(strconv.FormatInt(id, 10))+"/latest", nil, &last)
	if errors.Is(err, io.EOF) { // an empty answer: nothing was sent yet
		return false, after, nil
	}
	if err != nil {
		return false, after, ss.hookError(ctx, err)
	}
	from, _ := strconv.ParseInt(after, 10, 64) // 0: all of them
	if last.Start <= from {
		return false, after, nil
	}
	return last.Result.Outcome != "" && last.Result.Outcome != "SUCCESS", strconv.FormatInt(last.Start, 10), nil
}
