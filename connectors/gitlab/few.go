package gitlab

import (
	"context"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// few is a list that is read whole.
func (ss *session) few(name string, list func(call sdk.RequestOptionFunc, o sdk.ListOptions) ([]domain.Item, *sdk.Response, error)) forge.Few {
	return forge.Few{Name: name, Reading: func(ctx context.Context) ([]domain.Item, int, error) {
		if ss.off(name) {
			return nil, 1, nil
		}
		return pages(ss.page, func(o sdk.ListOptions) ([]domain.Item, *sdk.Response, error) {
			return list(ss.poll(ctx, name), o)
		})
	}}
}
