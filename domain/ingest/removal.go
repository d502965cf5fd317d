package ingest

import (
	"context"
	"os"
	"path/filepath"

	"github.com/confuse/data-connector/domain"
)

// remove tells of every live file that it is gone, then forgets the source:
// content, webhook and credential, then the event that ends it. A cut anywhere is made good
// by the next run, which finds fewer live files; dropping them again is harmless.
func (r *run) remove(ctx context.Context) error {
	v := r.known.view(0)
	for f, err := range r.Index.Live(ctx, r.src.ID, domain.ByPath) {
		if err != nil {
			return err
		}
		if err := r.removeFile(ctx, v, f); err != nil {
			return err
		}
		if r.page != nil {
			continue
		}
		if err := r.giveWay(ctx); err != nil { // behind a page
			return err
		}
	}
	if err := r.flush(ctx, nil); err != nil {
		return err
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.Packs.DropSource(ctx, r.src.ID); err != nil {
		return err
	}
	if r.Forget != nil {
		if err := r.Forget(ctx, r.src); err != nil {
			return err
		}
	}
	if r.src.CredentialID != "" && r.Credentials != nil {
		if err := r.Credentials.Delete(ctx, r.src.Owner, r.src.CredentialID); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(r.Cache, r.src.ID.String())); err != nil {
		return err
	}
	return r.end(ctx, domain.SourceRemoved)
}
