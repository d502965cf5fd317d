package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// An account is the user that the server runs as; nil: the one of this process.
type account struct{ uid, gid uint32 }

// accountFor picks the account for the cluster in the folder data. Under root it
// is the owner of the cluster, for a new one "postgres", else "nobody".
func accountFor(data string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	info, err := os.Stat(data)
	if err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			return &account{uid: st.Uid, gid: st.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if a, err := lookUp(name); err == nil {
			return a, nil
		}
	}
	return nil, errors.New("it does not run as root, and there is neither a user postgres nor nobody to run it as")
}

func lookUp(name string) (*account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("look up user %q: %w", name, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", name, err)
	}
	return &account{uid: uint32(uid), gid: uint32(gid)}, nil
}

// give makes a the owner of f. It does nothing when a is nil.
func (a *account) give(f *os.File) error {
	if a == nil {
		return nil
	}
	if err := f.Chown(int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("give %q to user %d: %w", f.Name(), a.uid, err)
	}
	return nil
}

// credential is how a child becomes a; nil when it need not.
func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}
