package gitrepo

import (
	"context"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

func (s Source) download(ctx context.Context, r *repo, ref domain.ItemRef, p pointer) (domain.Content, error) {
	return domain.Content{}, fmt.Errorf("gitrepo: lfs")
}
