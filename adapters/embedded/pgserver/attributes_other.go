//go:build !linux

package pgserver

import "syscall"

// attributes put a child into a process group of its own, so that a ^C meant
// for us does not reach it. There is no parent death signal here: the next
// start stops what is left.
func attributes(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as.credential()}
}
