package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// fetchTimeout is for about 15 MB from Maven Central.
const fetchTimeout = 10 * time.Minute

// published are the versions that are fetched, newest of their major.
func published(major int) (embeddedpostgres.PostgresVersion, bool) {
	v, ok := map[int]embeddedpostgres.PostgresVersion{
		0:  embeddedpostgres.V18,
		14: embeddedpostgres.V14,
		15: embeddedpostgres.V15,
		16: embeddedpostgres.V16,
		17: embeddedpostgres.V17,
		18: embeddedpostgres.V18,
	}[major]
	return v, ok
}

// fetch gives the folder of published binaries, from the cache if they are
// there. When ctx ends first the download goes on unheard and fills the cache.
func fetch(ctx context.Context, o Options, want search) (string, error) {
	version, ok := published(want.major)
	if !ok {
		return "", fmt.Errorf("version %d is not published", want.major)
	}
	cache, err := cacheFolder(o.Cache, want.as)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "postgres-"+string(version))
	bin := filepath.Join(folder, "bin")
	if _, err := probe(ctx, bin, want.as); err == nil {
		return bin, nil
	}
	o.Log.InfoContext(ctx, "fetching postgres", "version", version, "cache", cache)
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- unpack(cache, folder, version) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		return "", fmt.Errorf("fetch version %s: %w", version, ctx.Err())
	}
	if _, bad := probe(ctx, bin, want.as); bad != nil {
		return "", fmt.Errorf("fetch version %s: %w", version, errors.Join(err, bad))
	}
	return bin, nil
}

// unpack has the library fetch, check and unpack the binaries into folder. It
// has no call for that alone and goes on to start a server, so it is given the
// shell of a cluster on which no server starts: its error means nothing when
// the binaries are there.
func unpack(cache, folder string, version embeddedpostgres.PostgresVersion) error {
	shell, err := os.MkdirTemp(cache, "shell-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(shell) }() // what stays only takes room
	data := filepath.Join(shell, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(majorOf(version)), 0o600); err != nil {
		return err
	}
	port, err := freePort(context.Background(), 0)
	if err != nil {
		return err
	}
	err = embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).Port(uint32(port)).Logger(io.Discard).
		CachePath(cache).BinariesPath(folder).RuntimePath(filepath.Join(shell, "run")).DataPath(data),
	).Start()
	if chmod := os.Chmod(folder, 0o755); chmod != nil { // the library makes it for one user alone
		return errors.Join(err, chmod)
	}
	return err
}

func majorOf(version embeddedpostgres.PostgresVersion) string {
	return string(version[:2]) // all published ones have two digits
}

// cacheFolder makes the folder of fetched binaries. Who runs them must be able
// to get there, and the cache of root is closed to others.
func cacheFolder(wanted string, as *account) (string, error) {
	if wanted == "" && as != nil {
		wanted = "/var/cache/data-connector"
	}
	if wanted == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache folder: %w", err)
		}
		wanted = filepath.Join(user, "data-connector")
	}
	if err := os.MkdirAll(wanted, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	return wanted, nil
}
