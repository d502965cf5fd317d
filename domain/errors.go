package domain

import (
	"errors"
	"fmt"
	"time"
)

// What callers branch on with errors.Is. A command or read answers with the same
// error for another owner's source as for an unknown one (I10).
var (
	ErrSourceNotFound = errors.New("source not found")
	ErrFileNotFound   = errors.New("file not found")
	ErrJobNotFound    = errors.New("job not found")
	ErrNoContent      = errors.New("file has no content")
	ErrContentLost    = errors.New("content is missing or damaged in the content store")
	ErrConflict       = errors.New("conflicts with the present state")
	ErrUnauthorized   = errors.New("credentials missing, unknown or expired")
	ErrForbidden      = errors.New("not allowed with these credentials")
	ErrUnavailable    = errors.New("temporarily unavailable")

	// ErrLogAway is a log that has not answered since the process started: nothing is
	// appended to what nobody has looked at. It is an ErrUnavailable.
	ErrLogAway = fmt.Errorf("the log has not answered since this process started: %w", ErrUnavailable)

	// ErrUnknownFate is a lost answer to an append: neither success nor failure.
	// Nothing retries around it; the run ends and the next one emits what is
	// missing under the same event ids.
	ErrUnknownFate = errors.New("fate of the append unknown")

	// ErrFenced ends a run that has lost its claim (I3) or a projector that has
	// lost its partition (I4). It has changed nothing.
	ErrFenced = errors.New("another writer has taken over")

	// ErrLogLost is a log that no longer holds what a checkpoint has seen: a
	// truncated, recreated or foreign topic. Nothing goes on by itself.
	ErrLogLost = errors.New("the log lost records")
)

// What connectors answer with, told apart by errors.Is.
var (
	ErrCursorReset = errors.New("cursor no longer usable")           // the engine lists everything and emits the difference (I9)
	ErrGone        = errors.New("gone at the provider")              // needs confirmation before it means anything
	ErrPartial     = errors.New("listing is not complete")           // forbids Complete (I8)
	ErrTooLarge    = errors.New("item is too large")                 // of the item, for good
	ErrTransient   = errors.New("passing trouble with the provider") // try again later
	ErrChanging    = errors.New("item changes while it is read")     // of the item, try again later
)

// An AlreadyConnectedError answers a second registration of the same provider
// object by the same owner. It matches [ErrConflict].
type AlreadyConnectedError struct{ Source SourceID }

func (e *AlreadyConnectedError) Error() string {
	return fmt.Sprintf("already connected as source %s", e.Source)
}

// Is makes the error match ErrConflict.
func (e *AlreadyConnectedError) Is(target error) bool { return target == ErrConflict }

// An InvalidError is bad input: it names the field and what is allowed there.
type InvalidError struct {
	Field   string // as the caller wrote it: "config.includePaths[2]"; empty for the whole input
	Problem string // "is not a glob"
	Allowed string // what would be right; empty when Problem says it
}

func (e *InvalidError) Error() string {
	text := e.Problem
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Allowed != "" {
		text += "; allowed: " + e.Allowed
	}
	return text
}

// An UnfitError is what this installation lacks for what was asked, such as a git
// that is new enough. Trying again does not help before somebody has changed it.
type UnfitError struct{ Reason string }

func (e *UnfitError) Error() string { return e.Reason }

// A RateLimitedError says until when a provider wants to be left alone.
type RateLimitedError struct{ Until time.Time }

func (e *RateLimitedError) Error() string {
	return "rate limited by the provider until " + e.Until.UTC().Format(time.RFC3339)
}
