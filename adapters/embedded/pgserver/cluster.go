package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A cluster is a folder of databases that a server can be started on.
type cluster struct {
	Options

	as   *account
	bin  string   // folder of its programs
	lock *os.File // inherited by all its processes
}

// openCluster finds the programs and makes the cluster if there is none.
func openCluster(ctx context.Context, o Options, lock *os.File) (*cluster, error) {
	major, err := clusterVersion(filepath.Join(o.Dir, dataFolder))
	if err != nil {
		return nil, err
	}
	c := &cluster{Options: o, lock: lock}
	if c.as, err = accountFor(c.data()); err != nil {
		return nil, err
	}
	if c.bin, err = binaries(ctx, o, search{major: major, as: c.as}); err != nil {
		return nil, err
	}
	if major != 0 {
		return c, nil
	}
	if err := c.create(ctx); err != nil {
		return nil, fmt.Errorf("make a cluster in %q: %w", o.Dir, err)
	}
	return c, nil
}

// clusterVersion is the major version that made the cluster, 0 when there is none.
func clusterVersion(data string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the cluster: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("version of the cluster in %q: %w", data, err)
	}
	return major, nil
}

func (c *cluster) data() string { return filepath.Join(c.Dir, dataFolder) }
