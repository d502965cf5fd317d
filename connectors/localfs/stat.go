package localfs

import (
	"io/fs"
	"math"
	"time"
)

// A fileID names a file or folder while it exists. Zero: the system does not say.
type fileID struct{ device, inode uint64 }

// A stamp is what tells one version of a file from another without reading it.
// Two equal ones are the same version, unless the file was racy when read.
type stamp struct {
	id       fileID
	born     int64 // nanoseconds since 1970; 0 when unknown
	size     int64 // bytes
	modified int64 // nanoseconds since 1970; programs can set it
	changed  int64 // the same; programs cannot set it. 0: the system does not say
}

// trusted reports whether s is enough to know a version by.
func (s stamp) trusted() bool { return s.id != fileID{} && s.changed != 0 }

// racyWindow is the coarsest time stamp of a file system in use (FAT).
const racyWindow = 2 * time.Second

// racy reports whether a file with stamp s, read at a time, may have been changed
// afterwards without a change of its stamp.
func (s stamp) racy(at time.Time) bool {
	read, window := at.UnixNano(), racyWindow.Nanoseconds()
	return s.changed >= read-window || s.modified >= read-window && s.modified <= read+window
}

// modifiedAt is the time of modification for people; zero when it is absurd.
func (s stamp) modifiedAt() time.Time {
	if s.modified == math.MaxInt64 || s.modified == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, s.modified).UTC().Truncate(time.Microsecond)
}

// nanos is a time in nanoseconds since 1970, as far as they reach.
func nanos(seconds int64, nano uint32) int64 {
	const far = 9_000_000_000 // in the year 2255
	switch {
	case seconds > far:
		return math.MaxInt64
	case seconds < -far:
		return math.MinInt64
	}
	return seconds*1e9 + int64(nano)
}

// A found is what lies at a path.
type found struct {
	stamp
	mode fs.FileMode // type and permissions
}
