package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	maxAttempts  = 5                // attempts without progress before a job fails for good
	firstRetry   = 2 * time.Second  // doubled with each attempt
	longestRetry = 30 * time.Minute // however often it failed
	maxMessage   = 2 << 10          // bytes of an error's text on the log
)

// errStore marks trouble with the content store: a full disk, a bucket that refuses.
var errStore = errors.New("content store")

// inStore is err, of the content store.
func inStore(err error) error { return fmt.Errorf("%w: %w", errStore, err) }

// codeOf turns the error that ended a run into the code of its sync_failed, and
// says whether trying again may help.
func codeOf(err error) (code string, retry bool) {
	var limited *domain.RateLimitedError
	var invalid *domain.InvalidError
	switch {
	case errors.As(err, &limited):
		return domain.CodeRateLimited, true
	case errors.As(err, &invalid):
		return domain.CodeInvalid, false
	case errors.Is(err, domain.ErrUnauthorized):
		return domain.CodeUnauthorized, false
	case errors.Is(err, domain.ErrGone):
		return domain.CodeGone, true
	case errors.Is(err, domain.ErrPartial):
		return domain.CodePartial, true
	case errors.Is(err, domain.ErrTransient), errors.Is(err, domain.ErrCursorReset):
		return domain.CodeTransient, true
	default:
		return domain.CodeInternal, true
	}
}

// failed ends a run that err has stopped. Where the log or the claim is what
// failed, nothing can be appended: the queue tries again, with the job as it is.
func (e *Engine) failed(ctx context.Context, src domain.Source, r *run, err error) (time.Time, error) {
	soon := e.Clock.Now().Add(retryDelay(1))
	switch {
	case errors.Is(err, domain.ErrFenced), errors.Is(err, errPaused), errors.Is(context.Cause(ctx), domain.ErrFenced):
		return time.Time{}, err
	case ctx.Err() != nil:
		return e.Clock.Now(), context.Cause(ctx)
	case errors.Is(err, domain.ErrUnknownFate), errors.Is(err, domain.ErrUnavailable):
		return soon, err
	}
	if r != nil { // a cursor that is under way comes before the failure, and counts as progress
		if lost := r.settle(ctx); lost != nil {
			return soon, errors.Join(err, lost)
		}
	}
	ev := e.failure(src, r, err)
	events := []domain.SourceChanged{ev}
	if expired, ok := e.expired(ctx, src, ev); ok {
		events = append(events, expired)
	}
	if _, appendErr := e.append(ctx, src, events...); appendErr != nil {
		return soon, errors.Join(err, appendErr)
	}
	return ev.RetryAt, err
}

// expired is the end of the credential that the provider has refused, unless
// another one was attached since the claim. Should it get lost behind the
// sync_failed, the next attempt says it again.
func (e *Engine) expired(ctx context.Context, src domain.Source, failure domain.SourceChanged) (domain.SourceChanged, bool) {
	if failure.Code != domain.CodeUnauthorized || src.CredentialID == "" {
		return domain.SourceChanged{}, false
	}
	now, err := e.Index.Source(ctx, src.ID)
	if err != nil || now.CredentialID != src.CredentialID || now.CredentialExpired {
		return domain.SourceChanged{}, false
	}
	ev, err := now.ExpireCredential(e.Clock.Now())
	return ev, err == nil // else it is being removed
}

// failure is the sync_failed of err. An attempt counts only without progress. A
// removal never fails for good, nor does what nobody's job is to blame for and
// somebody has to mend: a content store that takes nothing, a machine that lacks what
// the connector needs.
func (e *Engine) failure(src domain.Source, r *run, err error) domain.SourceChanged {
	job := src.Jobs[0]
	attempt, ev := job.Attempt+1, src.InRun(domain.SourceSyncFailed, e.Clock.Now())
	ev.Seq = src.Seq + 1
	if r != nil {
		ev.Seq, ev.Counts, ev.Totals, ev.Object = r.nextSeq(), &r.counts, &r.totals, r.news()
		if r.progressed {
			attempt = 0
		}
	}
	code, retry := codeOf(err)
	ev.Code, ev.Message, ev.Attempt = code, shortText(err.Error()), attempt
	var unfit *domain.UnfitError
	if retry && attempt < maxAttempts || job.Mode == domain.SyncRemove || errors.Is(err, errStore) || errors.As(err, &unfit) {
		ev.RetryAt = e.Clock.Now().Add(retryDelay(attempt))
	}
	if code == domain.CodeUnauthorized && src.CredentialID != "" { // no fault of the job, which waits for another one
		ev.RetryAt, ev.Attempt = e.Clock.Now().Add(retryDelay(1)), min(attempt, job.Attempt)
	}
	var limited *domain.RateLimitedError
	if errors.As(err, &limited) { // the provider's word, and no fault of the job
		ev.RetryAt = latest(limited.Until, e.Clock.Now().Add(retryDelay(1)))
		ev.Attempt = min(attempt, job.Attempt)
	}
	return ev
}

// retryDelay is exponential with full jitter.
func retryDelay(attempt int) time.Duration {
	limit := min(firstRetry<<min(max(attempt-1, 0), 20), longestRetry)
	return limit/4 + rand.N(limit)
}

// shortText makes the text of an error fit for the log: UTF-8, and not endless.
func shortText(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage]
	}
	return domain.Clean(s)
}
