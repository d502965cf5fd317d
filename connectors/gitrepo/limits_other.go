//go:build !linux

package gitrepo

// confine does nothing: the limits of a process that runs are set on Linux alone.
func confine(Options, int) error { return nil }
