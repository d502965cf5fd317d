package rest_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/connectors/rest/budgettest"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func TestBudget(t *testing.T) {
	t.Parallel()

	budgettest.Run(t, func(*testing.T) rest.Budget { return rest.NewBudget(connectortest.NewClock(noon)) })
}

// TestBudgetTime: what the suite cannot turn.
func TestBudgetTime(t *testing.T) {
	t.Parallel()

	clock := connectortest.NewClock(noon)
	b := rest.NewBudget(clock)
	for _, err := range []error{b.Learn(t.Context(), "a", 0, 100, time.Minute), b.Block(t.Context(), "a", 2*time.Minute)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []time.Duration{2 * time.Minute, time.Minute, 0} {
		if got, err := b.Take(t.Context(), "a", 0, 0); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		clock.Turn(time.Minute)
	}
	if got, err := b.Take(t.Context(), "a", 1, 0); err != nil || got != 0 {
		t.Errorf("got %s, %v for the first call of an hour", got, err)
	}
	clock.Turn(time.Hour)
	if got, err := b.Take(t.Context(), "a", 1, 0); err != nil || got != 0 {
		t.Errorf("got %s, %v for the first call of the next hour", got, err)
	}
}
