package localfs

import (
	"bufio"
	"cmp"
	"io"
	"os"
	"slices"
)

// maxIndex is how many files of the last walk an index holds: 16 MB. Files beyond
// it are not found when they were renamed and edited at once; they are removed
// and added then.
const maxIndex = 1 << 20

// An index finds the records of the last walk by identity.
type index struct {
	stats   *os.File
	entries []indexed // by hash
}

type indexed struct {
	hash uint64
	at   int64 // offset of the record
}

func newIndex(stats *os.File) *index {
	x := &index{stats: stats}
	r, at := bufio.NewReader(io.NewSectionReader(stats, 0, 1<<62)), int64(0)
	for len(x.entries) < maxIndex {
		rec, err := readRecord(r)
		if err != nil {
			break
		}
		if rec.path != "" {
			x.entries = append(x.entries, indexed{rec.stamp.identity(), at})
		}
		at += int64(rec.size())
	}
	slices.SortFunc(x.entries, func(a, b indexed) int { return cmp.Compare(a.hash, b.hash) })
	return x
}

// find gives the path of a file with the identity of s. The birth time is part of
// it: inodes are used again.
func (x *index) find(s stamp) (path string, ok bool) {
	i, _ := slices.BinarySearchFunc(x.entries, s.identity(), func(e indexed, hash uint64) int { return cmp.Compare(e.hash, hash) })
	for ; i < len(x.entries) && x.entries[i].hash == s.identity(); i++ {
		rec, err := readRecord(bufio.NewReaderSize(io.NewSectionReader(x.stats, x.entries[i].at, 1<<62), 512))
		if err == nil && rec.stamp.id == s.id && rec.stamp.born == s.born {
			return rec.path, true
		}
	}
	return "", false
}

// identity mixes what a file keeps when it is renamed and edited.
func (s stamp) identity() uint64 {
	const odd = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	return ((s.id.device*odd^s.id.inode)*odd ^ uint64(s.born)) * odd
}
