package localfs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc64"
	"io"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A record says that the file with this stamp had this digest. That stays true
// whatever happens to the path, so an old record is at most useless.
type record struct {
	path   string        // raw, where it was; empty: the root
	stamp  stamp         // of the root see rootRecord
	digest domain.Digest // zero: not known
}

// rootRecord is the first one of what a walk saw: which root, and when the walk
// began. Its size is how many records follow.
func rootRecord(root fileID, began time.Time) record {
	return record{stamp: stamp{id: root, changed: began.UnixNano()}}
}

// A record on disk: length of the path (2 bytes), numbers (48), digest (32), path,
// CRC-64 of all that. Big endian.
const (
	lengthBytes = 2
	fixedBytes  = lengthBytes + 6*8 + 32
	sumBytes    = 8
)

var errTorn = errors.New("record is torn or damaged")

func (r record) size() int { return fixedBytes + len(r.path) + sumBytes }

func (r record) appendTo(b []byte) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.path)))
	s := r.stamp
	for _, n := range []uint64{s.id.device, s.id.inode, uint64(s.born), uint64(s.size), uint64(s.modified), uint64(s.changed)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(b, r.digest[:]...)
	b = append(b, r.path...)
	return binary.BigEndian.AppendUint64(b, sum(b[start:]))
}

// readRecord reads one record. Any error is the end of what can be used.
func readRecord(r *bufio.Reader) (record, error) {
	length, err := r.Peek(lengthBytes)
	if err != nil {
		return record{}, err
	}
	path := int(binary.BigEndian.Uint16(length))
	if path > maxPath {
		return record{}, errTorn
	}
	b := make([]byte, fixedBytes+path+sumBytes)
	if _, err := io.ReadFull(r, b); err != nil {
		return record{}, err
	}
	return parseRecord(b)
}

func parseRecord(b []byte) (record, error) {
	checked := b[:len(b)-sumBytes]
	if sum(checked) != binary.BigEndian.Uint64(b[len(checked):]) {
		return record{}, errTorn
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[lengthBytes+8*i:]) }
	return record{
		path: string(checked[fixedBytes:]),
		stamp: stamp{
			id: fileID{device: n(0), inode: n(1)}, born: int64(n(2)), size: int64(n(3)),
			modified: int64(n(4)), changed: int64(n(5)),
		},
		digest: domain.Digest(b[fixedBytes-32 : fixedBytes]),
	}, nil
}

func sum(b []byte) uint64 { return crc64.Checksum(b, crc64.MakeTable(crc64.ECMA)) }
