package forge_test

import (
	"context"
	"errors"
	"testing"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// What a hint or a person waits for comes first, then what is due, then listings.
func TestPriorities(t *testing.T) {
	t.Parallel()

	var got rest.Priority
	errOpen := errors.New("not opened")
	p := forge.NewPorts(forge.Opener{At: func(_ context.Context, _ domain.Scope, asked rest.Priority, _ string) (*forge.Repository, error) {
		got = asked
		return nil, errOpen
	}}, clock.System{})
	calls := map[string]func(domain.Scope) error{
		"changes": func(s domain.Scope) error { return p.Changes(t.Context(), s, domain.Cursor{}, nil) },
		"start":   func(s domain.Scope) error { _, err := p.StartCursor(t.Context(), s); return err },
		"listing": func(s domain.Scope) error { return p.Snapshot(t.Context(), s, domain.Cursor{}, nil) },
	}
	for call, do := range calls {
		for awaited, want := range map[bool]rest.Priority{true: rest.Hint, false: rest.Incremental} {
			if call == "listing" {
				want = rest.Backfill
			}
			if err := do(domain.Scope{Awaited: awaited}); !errors.Is(err, errOpen) || got != want {
				t.Errorf("%s, awaited %v: got priority %d, %v, want %d", call, awaited, got, err, want)
			}
		}
	}
}
