package gitrepo

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// The sizes that a pointer file of LFS can have, in bytes: the specification
// (git-lfs docs/spec.md) allows less than 1024, and no pointer is shorter than
// its fixed lines.
const (
	minPointer = 120
	maxPointer = 1023
)

func mayBePointer(size int64) bool { return size >= minPointer && size <= maxPointer }

// A pointer stands for a file in LFS.
type pointer struct {
	oid  domain.Digest
	size int64 // bytes
}

// parsePointer reads a pointer file.
func parsePointer(b []byte) (p pointer, ok bool) {
	if !mayBePointer(int64(len(b))) || !bytes.HasPrefix(b, []byte("version https://git-lfs.github.com/spec/v1\n")) {
		return pointer{}, false
	}
	found := 0
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "oid":
			oid, err := domain.ParseDigest(strings.TrimPrefix(value, "sha256:"))
			if err != nil {
				return pointer{}, false
			}
			p.oid = oid
			found++
		case "size":
			size, err := strconv.ParseInt(value, 10, 64)
			if err != nil || size < 0 {
				return pointer{}, false
			}
			p.size = size
			found++
		}
	}
	return p, found == 2
}
