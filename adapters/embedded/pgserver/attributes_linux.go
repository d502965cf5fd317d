package pgserver

import "syscall"

// attributes put a child into a process group of its own, so that a ^C meant
// for us does not reach it, and have it shut down fast when we die.
func attributes(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setpgid:    true,
		Pdeathsig:  syscall.SIGINT,
		Credential: as.credential(),
	}
}
