package gitrepo

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/confuse/data-connector/domain"
)

// The limits where [Options] says nothing.
const (
	defaultTimeout  = 30 * time.Minute
	defaultStall    = time.Minute
	defaultDisk     = 8 << 30
	defaultMemory   = 4 << 30
	defaultRefs     = 100_000
	defaultEntries  = 1_000_000
	defaultBlob     = 1 << 30
	defaultFileSize = 1 << 20 // maxFileSize of a source that does not say
)

// Options are what the operator decides. The zero value of a limit is its
// default.
type Options struct {
	Program    string        // the git program; empty: "git", found in PATH
	Clock      domain.Clock  // required
	Timeout    time.Duration // of one run of git; 30 minutes
	MaxDisk    int64         // bytes of one repository on disk; 8 GiB
	MaxMemory  int64         // bytes of address space of one process of git, on Linux; 4 GiB
	MaxRefs    int           // refs that a server may list; 100,000
	MaxEntries int           // files of one commit; 1,000,000
	Stall      time.Duration // without a byte of a file behind an LFS pointer; 1 minute
	MaxBlob    int64         // bytes of a file that are fetched where a source sets no limit; 1 GiB
	AllowHTTP  bool          // plain http as well: in tests, and in networks that are trusted
	CAFile     string        // certificates to trust, as PEM; empty: those of the system
	AcceptFsck []string      // message ids of git fsck that are let pass, besides the harmless ones: see CheckFsck
	// Resolve gives the one address that git connects to, and refuses those that
	// must not be reached: git knows nothing of a Go dialer. nil: git resolves by
	// itself, unguarded.
	Resolve func(ctx context.Context, host string, port int) (netip.Addr, error)
	// HTTP asks for refs, which costs one request instead of a run of git, and for
	// content behind LFS pointers. It is as guarded as Resolve is. nil: git asks for
	// refs, and LFS cannot be read.
	HTTP *http.Client
}

// A Client runs git. It may be used concurrently.
type Client struct {
	opt     Options
	program string // absolute
	page    int    // most changes of a page
	packs   int    // most packs of a repository
	confine func(o Options, pid int) error
	refused error // what every call is answered with; nil: none is refused
}

// New makes a client. It runs nothing yet: see [Client.Check]. The error is that
// there is no git program.
func New(o Options) (*Client, error) {
	if o.Program == "" {
		o.Program = "git"
	}
	program, err := exec.LookPath(o.Program)
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return nil, fmt.Errorf("gitrepo: git program: %w", err)
	}
	o.Timeout = either(o.Timeout, defaultTimeout)
	o.Stall = either(o.Stall, defaultStall)
	o.MaxDisk = either(o.MaxDisk, defaultDisk)
	o.MaxMemory = either(o.MaxMemory, defaultMemory)
	o.MaxRefs = either(o.MaxRefs, defaultRefs)
	o.MaxEntries = either(o.MaxEntries, defaultEntries)
	o.MaxBlob = either(o.MaxBlob, defaultBlob)
	return &Client{opt: o, program: program, page: maxPage, packs: maxPacks, confine: confine}, nil
}

func either[T ~int | ~int64](set, standard T) T {
	if set > 0 {
		return set
	}
	return standard
}
