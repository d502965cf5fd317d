package domain_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/confuse/data-connector/domain"
)

func TestParsePosition(t *testing.T) {
	t.Parallel()

	p := domain.Position{Partition: 7, Offset: 918273}
	if got, err := domain.ParsePosition(p.String()); err != nil || got != p {
		t.Errorf("got %v, %v, want %v", got, err, p)
	}
	for _, bad := range []string{"", "7", "7:", ":7", "-1:7", "7:-1", "7:1:2", "2147483648:1", "a:b", "7:99999999999999999999"} {
		var invalid *domain.InvalidError
		if _, err := domain.ParsePosition(bad); !errors.As(err, &invalid) || invalid.Allowed == "" {
			t.Errorf("%q: got error %v, want an InvalidError that says what is allowed", bad, err)
		}
	}
}

func TestInvalidError(t *testing.T) {
	t.Parallel()

	for want, err := range map[string]error{
		"is not JSON":                       &domain.InvalidError{Problem: "is not JSON"},
		"limit: is too high; allowed: 1-10": &domain.InvalidError{Field: "limit", Problem: "is too high", Allowed: "1-10"},
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestAlreadyConnectedIsAConflict(t *testing.T) {
	t.Parallel()

	if err := error(&domain.AlreadyConnectedError{Source: source}); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("got %v, want it to match %v", err, domain.ErrConflict)
	}
}

func TestCallerMay(t *testing.T) {
	t.Parallel()

	reader := domain.Caller{Rights: []domain.Right{domain.MayRead}}
	if !reader.May(domain.MayRead) || reader.May(domain.MayWrite) {
		t.Error("got other rights than to read")
	}
	if all := (domain.Caller{}); !all.May(domain.MayRead) || !all.May(domain.MayWrite) {
		t.Error("got too few rights of a caller without a list")
	}
}

func TestCursorIsZero(t *testing.T) {
	t.Parallel()

	if !(domain.Cursor{}).IsZero() || (domain.Cursor{V: 1}).IsZero() || (domain.Cursor{Opaque: json.RawMessage("1")}).IsZero() {
		t.Error("only a cursor without anything is zero")
	}
}

func TestJobStatusOpen(t *testing.T) {
	t.Parallel()

	for status, want := range map[domain.JobStatus]bool{
		domain.JobQueued: true, domain.JobRunning: true,
		domain.JobCompleted: false, domain.JobFailed: false, domain.JobCancelled: false,
	} {
		if status.Open() != want {
			t.Errorf("%s: got open %v, want %v", status, !want, want)
		}
	}
}
