package localfs

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

// resolvedTime is how long the real path of a root may be used without another
// look. A file that is read meanwhile through a link that was just turned
// elsewhere is read again by the next sync: it is another file there.
const resolvedTime = time.Second

// A resolved is the real path of the root that was asked for last. Runs read one
// file after the other of one root.
type resolved struct {
	mu     sync.Mutex
	config string
	path   string
	until  time.Time
}

// realRoot is the real, absolute path of the root of s, which lies in an allowed
// folder.
func (c *Connector) realRoot(s domain.Scope) (string, error) {
	r, now := &c.resolved, c.clock.Now()
	r.mu.Lock()
	path, known := r.path, r.config == string(s.Config) && now.Before(r.until)
	r.mu.Unlock()
	if known {
		return path, nil
	}
	path, err := c.rootPath(s.Config)
	if err != nil {
		return "", err
	}
	base, rel, err := c.place(path)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.config, r.path, r.until = string(s.Config), filepath.Join(base, rel), now.Add(resolvedTime)
	return r.path, nil
}
