package httpapi

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
	"github.com/confuse/data-connector/domain/replay"
	"github.com/confuse/data-connector/projections"
)

const (
	codeValidation  = "VALIDATION_ERROR"
	codeInternal    = "INTERNAL_ERROR"
	codeUnavailable = "UNAVAILABLE"
	codeUnfit       = "NOT_INSTALLED"

	// statusClientGone is for the log: nobody reads the answer.
	statusClientGone = 499
)

// problem is the one place where errors become HTTP. An error of ours is logged
// here, under the correlation id that the caller is told.
func (s *Server) problem(ctx context.Context, err error) *errorReply {
	e := s.classify(err)
	if e.status >= http.StatusInternalServerError {
		s.Log.ErrorContext(ctx, "request failed", "correlation", correlation(ctx), "code", e.Fault.Code, "err", err)
	}
	return e.with(ctx)
}

// classify is the table of errors. The order matters where an error is two: a
// canceled request may wrap anything.
func (s *Server) classify(err error) *errorReply {
	var (
		reply     *errorReply
		bad       *domain.InvalidError
		connected *domain.AlreadyConnectedError
		limited   *domain.RateLimitedError
		unfit     *domain.UnfitError
	)
	switch {
	case errors.As(err, &reply):
		return reply
	case errors.As(err, &bad):
		return invalid(http.StatusBadRequest, codeValidation, fieldProblem{Field: bad.Field, Problem: bad.Problem, Allowed: bad.Allowed})
	case errors.As(err, &connected):
		e := newErrorReply(http.StatusConflict, "CONFLICT", connected.Error())
		e.Fault.Details = map[string]string{"sourceId": connected.Source.String()}
		return e
	case errors.As(err, &limited):
		return newErrorReply(http.StatusTooManyRequests, "RATE_LIMITED", limited.Error()).after(limited.Until.Sub(s.Clock.Now()))
	case errors.As(err, &unfit):
		return newErrorReply(http.StatusServiceUnavailable, codeUnfit, unfit.Reason)
	case errors.Is(err, context.Canceled):
		return newErrorReply(statusClientGone, "CLIENT_GONE", "the client has gone")
	}
	if projections.Passing(err) { // a connection that the database has ended, a restart of it
		err = errors.Join(domain.ErrUnavailable, err)
	}
	for _, row := range table() {
		if errors.Is(err, row.is) {
			e := newErrorReply(row.status, row.code, row.message)
			switch row.status {
			case http.StatusServiceUnavailable:
				return e.after(time.Second)
			case http.StatusUnauthorized:
				e.headers.Set("WWW-Authenticate", `Bearer realm="data-connector"`)
			}
			return e
		}
	}
	return newErrorReply(http.StatusInternalServerError, codeInternal, "something went wrong on our side; the log has it under the correlation id")
}

type row struct {
	is      error
	status  int
	code    string
	message string
}

func table() []row {
	return []row{
		{domain.ErrSourceNotFound, http.StatusNotFound, "SOURCE_NOT_FOUND", "there is no such source"},
		{domain.ErrFileNotFound, http.StatusNotFound, "FILE_NOT_FOUND", "there is no such file"},
		{domain.ErrJobNotFound, http.StatusNotFound, "JOB_NOT_FOUND", "there is no such job"},
		{projections.ErrNotPoison, http.StatusNotFound, "POISON_NOT_FOUND", "no such record is set aside"},
		{projections.ErrNotLetter, http.StatusNotFound, "DEAD_LETTER_NOT_FOUND", "there is no such dead letter"},
		{replay.ErrNotFound, http.StatusNotFound, "REPLAY_NOT_FOUND", "there is no such replay"},
		{ingest.ErrRuleNotFound, http.StatusNotFound, "RULE_NOT_FOUND", "there is no such notification rule"},
		{domain.ErrNoContent, http.StatusNotFound, "NO_CONTENT", "the file has no content: a symlink, a submodule or the like"},
		{domain.ErrContentLost, http.StatusBadGateway, "CONTENT_LOST", "the content is missing or damaged in the content store"},
		{domain.ErrUnauthorized, http.StatusUnauthorized, "UNAUTHORIZED", "send a valid API key as \"Authorization: Bearer dck_...\" or X-API-Key"},
		{domain.ErrForbidden, http.StatusForbidden, "FORBIDDEN", "these credentials do not allow that"},
		{domain.ErrConflict, http.StatusConflict, "CONFLICT", "the request conflicts with the present state; look again and repeat it"},
		{domain.ErrGone, http.StatusBadGateway, "PROVIDER_ERROR", "the provider says that it does not exist"},
		{domain.ErrPartial, http.StatusBadGateway, "PROVIDER_ERROR", "the provider did not answer completely; try again"},
		{domain.ErrTransient, http.StatusBadGateway, "PROVIDER_ERROR", "the provider has passing trouble; try again"},
		{domain.ErrUnknownFate, http.StatusServiceUnavailable, codeUnavailable, "it is not known whether the log took it; repeat it with the same Idempotency-Key"},
		{domain.ErrLogAway, http.StatusServiceUnavailable, codeUnavailable, "the log has not answered since this process started; nothing was ordered, try again"},
		{domain.ErrUnavailable, http.StatusServiceUnavailable, codeUnavailable, "temporarily unavailable; try again"},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, codeUnavailable, "it took too long; try again"},
	}
}

// codes are all codes that the API answers with, for its reference.
func codes() []Code {
	list := []Code{
		{http.StatusBadRequest, codeValidation, "bad input; details name each field, its problem and what is allowed"},
		{http.StatusNotFound, "NOT_FOUND", "there is no such endpoint"},
		{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "the endpoint does not take this method; Allow lists those it takes"},
		{http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "the body is larger than 1 MiB"},
		{http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "the body is not sent as application/json"},
		{http.StatusRequestedRangeNotSatisfiable, "RANGE_NOT_SATISFIABLE", "the range lies outside of the content"},
		{http.StatusTooManyRequests, "RATE_LIMITED", "too many requests with this key or by this owner, or rate limited by the provider; Retry-After says for how long"},
		{http.StatusServiceUnavailable, codeUnfit, "this installation lacks what is needed, such as a new enough git: the message says what"},
		{http.StatusInternalServerError, codeInternal, "something went wrong on our side; the log has it under the correlation id"},
	}
	for _, r := range table() {
		list = append(list, Code{r.status, r.code, r.message})
	}
	slices.SortStableFunc(list, func(a, b Code) int { return cmp.Or(a.Status-b.Status, cmp.Compare(a.Code, b.Code)) })
	return list
}

// because says what a conflict is about, where the use case can mean only that.
func because(err error, message string) error {
	if errors.Is(err, domain.ErrConflict) {
		return newErrorReply(http.StatusConflict, "CONFLICT", message)
	}
	return err
}

// after tells the caller when to come back; at least in one second.
func (e *errorReply) after(d time.Duration) *errorReply {
	seconds := max(1, int64(math.Ceil(d.Seconds())))
	e.headers.Set("Retry-After", strconv.FormatInt(seconds, 10))
	return e
}

// with adds the correlation id to all but bad input.
func (e *errorReply) with(ctx context.Context) *errorReply {
	switch details := e.Fault.Details.(type) {
	case nil:
		e.Fault.Details = map[string]string{"correlationId": correlation(ctx)}
	case map[string]string:
		details["correlationId"] = correlation(ctx)
	}
	return e
}
