package domain

import (
	"fmt"
	"strconv"
	"strings"
)

// A Position is a place on the events topic. Offsets are dense, so the position
// behind p in its partition is p.Offset+1.
type Position struct {
	Partition int32
	Offset    int64 // from 0
}

// String gives the form of the Log-Position header: "7:918273".
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Partition, p.Offset) }

// ParsePosition reads the form of [Position.String]. The error is an
// [InvalidError] without a field: the caller knows where the text came from.
func ParsePosition(s string) (Position, error) {
	partition, offset, ok := strings.Cut(s, ":")
	p, err1 := strconv.ParseInt(partition, 10, 32)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if !ok || err1 != nil || err2 != nil || p < 0 || o < 0 {
		return Position{}, &InvalidError{Problem: fmt.Sprintf("%q is not a log position", s), Allowed: "<partition>:<offset>, e.g. 7:918273"}
	}
	return Position{Partition: int32(p), Offset: o}, nil
}
