package embedded_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/embedded"
)

func TestStartRefusesALogOverBudget(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	s := start(t, embedded.Options{Dir: dir})
	if err := write(t.Context(), s, strings.Repeat("x", 2<<10)); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	_, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, MemoryBudget: 1 << 10, Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, embedded.ErrOverBudget) {
		t.Fatalf("got error %v, want ErrOverBudget", err)
	}
	start(t, embedded.Options{Dir: dir, MemoryBudget: 1 << 20})
}
