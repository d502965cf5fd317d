package main

import "testing"

func TestGrowthOf(t *testing.T) {
	t.Parallel()

	for live, want := range map[uint64]int{0: 200, 40 << 20: 200, 51 << 20: 150, 64 << 20: 100, 1 << 40: 100} {
		if got := growthOf(live); got != want {
			t.Errorf("got %d percent for %d bytes, want %d", got, live, want)
		}
	}
}
