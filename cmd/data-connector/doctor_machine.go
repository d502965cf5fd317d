package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/confuse/data-connector/adapters/blob"
	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/domain"
)

// lookAtGit runs git. One that is refused is a fault, and so is a variable that it
// does not take; where there is none at all, local folders may be all that is wanted.
func lookAtGit(ctx context.Context, cfg config) []finding {
	_, version, err := openGit(ctx, cfg, clock.System{})
	switch bad := new(domain.InvalidError); {
	case errors.As(err, &bad):
		return failed("git", "%v", err)
	case errors.Is(err, exec.ErrNotFound):
		return []finding{{levelWarn, "git", fmt.Sprintf("%v; no repository can be connected; install it where they are wanted", err)}}
	case err != nil:
		return failed("git", "%v; no repository can be connected; install a newer one, or none", err)
	}
	return []finding{{levelOK, "git " + version, ""}}
}

// lookAtContent writes a file into the content store and deletes it. A bucket is
// only opened.
func lookAtContent(ctx context.Context, cfg config) []finding {
	if cfg.ContentURL == "" {
		return failed("content store", "set CONTENT_STORE_URL")
	}
	dir := cfg.contentDir()
	if dir == "" {
		return lookAtBucket(ctx, cfg)
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return []finding{{levelWarn, "content store " + dir + " does not exist", "serve makes it"}}
	}
	f, err := os.CreateTemp(dir, ".tmp-doctor-*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return failed("content store", "%v; let the user of the service write there", err)
	}
	return []finding{{levelOK, "content store " + dir + " can be written", ""}}
}

func lookAtBucket(ctx context.Context, cfg config) []finding {
	packs, err := blob.Open(ctx, string(cfg.ContentURL))
	if err == nil {
		err = packs.Close()
	}
	if err != nil {
		return failed("content store", "%v; make the bucket, and let the service read, write, delete and list there", err)
	}
	return []finding{{levelOK, fmt.Sprintf("content store %v can be listed", cfg.ContentURL), ""}}
}

func lookAtFolders(_ context.Context, cfg config) []finding {
	if len(cfg.AllowedPaths) == 0 {
		return []finding{{levelWarn, "FS_ALLOWED_PATHS is empty", "no local folder can be connected; name the folders below which it is allowed"}}
	}
	var found []finding
	for _, dir := range cfg.AllowedPaths {
		if _, err := os.ReadDir(dir); err != nil {
			found = append(found, finding{levelWarn, "FS_ALLOWED_PATHS", fmt.Sprintf("%v; folders below it cannot be connected", err)})
			continue
		}
		found = append(found, finding{levelOK, "folders below " + dir + " may be connected", ""})
	}
	return found
}
