// Package budgettest is the suite that every rest.Budget passes: the one of a
// single process and the one that replicas share.
package budgettest

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/rest"
)

// Run checks the promises of rest.Budget. It calls fresh once for each test.
func Run(t *testing.T, fresh func(t *testing.T) rest.Budget) {
	t.Helper()
	for name, test := range map[string]func(*world){
		"nothing known: calls go":                        testUnknown,
		"a limit ends, and leaves a share to others":     testLimit,
		"answers that overtake each other do not refill": testOvertaken,
		"a later period is a new budget":                 testRenewed,
		"a block holds everybody, a shorter one nobody":  testBlock,
		"a limit of our own ends, with its share":        testPerHour,
		"keys do not meet":                               testKeys,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&world{t: t, b: fresh(t)})
		})
	}
}

type world struct {
	t *testing.T
	b rest.Budget
}

// take asks once. want is about how long to wait, zero: the call may go.
func (w *world) take(key string, perHour, spare int, want time.Duration) {
	w.t.Helper()
	got, err := w.b.Take(w.t.Context(), key, perHour, spare)
	if err != nil {
		w.t.Fatal(err)
	}
	if want == 0 && got != 0 || got > want || got < want-time.Minute {
		w.t.Errorf("got %s to wait for key %q, spare %d, want %s", got, key, spare, want)
	}
}

func (w *world) learn(key string, left, limit int, reset time.Duration) {
	w.t.Helper()
	if err := w.b.Learn(w.t.Context(), key, left, limit, reset); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) block(key string, d time.Duration) {
	w.t.Helper()
	if err := w.b.Block(w.t.Context(), key, d); err != nil {
		w.t.Fatal(err)
	}
}

func testUnknown(w *world) {
	for range 100 {
		w.take("a", 0, 20, 0)
	}
}

func testLimit(w *world) {
	w.learn("a", 21, 100, 30*time.Minute)
	w.take("a", 0, 20, 0)
	w.take("a", 0, 20, 30*time.Minute) // 20 are left, a fifth
	for range 15 {
		w.take("a", 0, 5, 0)
	}
	w.take("a", 0, 5, 30*time.Minute)
	for range 5 {
		w.take("a", 0, 0, 0)
	}
	w.take("a", 0, 0, 30*time.Minute)
}

func testOvertaken(w *world) {
	w.learn("a", 1, 100, 30*time.Minute)
	w.learn("a", 50, 100, 30*time.Minute)
	w.take("a", 0, 0, 0)
	w.take("a", 0, 0, 30*time.Minute)
	w.learn("a", 50, 100, 10*time.Minute) // of a period that has ended
	w.take("a", 0, 0, 30*time.Minute)
}

func testRenewed(w *world) {
	w.learn("a", 0, 100, 10*time.Minute)
	w.take("a", 0, 0, 10*time.Minute)
	w.learn("a", 99, 200, 40*time.Minute)
	w.take("a", 0, 0, 0)
}

func testBlock(w *world) {
	w.block("a", 30*time.Minute)
	w.block("a", time.Minute)
	w.take("a", 0, 0, 30*time.Minute)
	w.block("a", 50*time.Minute)
	w.take("a", 0, 0, 50*time.Minute)
}

func testPerHour(w *world) {
	for range 8 {
		w.take("a", 10, 20, 0)
	}
	w.take("a", 10, 20, time.Hour)
	w.take("a", 10, 0, 0)
	w.take("a", 10, 0, 0)
	w.take("a", 10, 0, time.Hour)
}

func testKeys(w *world) {
	w.block("e", time.Hour)
	w.learn("b", 0, 100, time.Hour)
	w.take("c", 1, 0, 0)
	w.take("d", 1, 0, 0)
	w.take("a", 0, 0, 0)
	w.take("e", 0, 0, time.Hour)
	w.take("b", 0, 0, time.Hour)
}
