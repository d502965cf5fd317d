package main

import (
	"errors"
	"fmt"
	"net/http"
)

// The exit codes.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2 // the command line makes no sense
	exitConflict = 3 // the service answered 409: what was asked for is there already
)

// A usageError is a command line that makes no sense.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode is the one for err; started tells whether the verb began its work:
// what cobra finds before that is about the command line.
func exitCode(err error, started bool) int {
	var bad usageError
	var reply *apiError
	switch {
	case err == nil:
		return exitOK
	case !started || errors.As(err, &bad):
		return exitUsage
	case errors.As(err, &reply) && reply.Status == http.StatusConflict:
		return exitConflict
	}
	return exitFailed
}
