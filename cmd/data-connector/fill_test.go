package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

// What a start waits for: tables that were never filled, or, after a process that
// died while it filled them, those that lack connected sources. Being behind alone
// keeps nobody out.
func TestWhatTheTablesLack(t *testing.T) {
	t.Parallel()

	lag := func(partition int32, position, end int64) partitionLag {
		return partitionLag{Partition: partition, Position: position, End: end, Behind: end - position}
	}
	for name, tt := range map[string]struct {
		lags    []partitionLag
		unknown []int32
		want    []domain.Position
	}{
		"nothing on the log":            {lags: []partitionLag{lag(0, 0, 0)}, unknown: []int32{0}},
		"level":                         {lags: []partitionLag{lag(0, 7, 7), lag(1, 0, 0)}, unknown: []int32{0, 1}},
		"behind, with all sources":      {lags: []partitionLag{lag(0, 3, 7), lag(1, 5, 5)}},
		"never filled":                  {lags: []partitionLag{lag(0, 0, 7), lag(1, 5, 9)}, want: []domain.Position{{Partition: 0, Offset: 6}, {Partition: 1, Offset: 8}}},
		"died half way":                 {lags: []partitionLag{lag(0, 3, 7), lag(1, 5, 9)}, unknown: []int32{1}, want: []domain.Position{{Partition: 1, Offset: 8}}},
		"a source that was never there": {lags: []partitionLag{lag(0, 3, 7), lag(1, 5, 5)}, unknown: []int32{1}},
	} {
		if diff := cmp.Diff(tt.want, lacking(tt.lags, tt.unknown)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
