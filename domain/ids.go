package domain

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// A SourceID names a source for good: a UUIDv7, given at registration.
type SourceID struct{ uuid.UUID }

// A FileID names a file of a source, whatever its path: see [NewItemFileID] and
// [NewPathFileID].
type FileID struct{ uuid.UUID }

// A JobID names an order to bring the log level with the provider: see [NewJobID].
type JobID struct{ uuid.UUID }

// A RunID names one claim of a source by one worker; it is random, so that two
// claims of the same number are told apart (I3).
type RunID struct{ uuid.UUID }

// An EventID is the ce_id of an event. An event that is produced again after a
// lost answer has the same one.
type EventID struct{ uuid.UUID }

// An OwnerID names the user or tenant that a source belongs to. It is opaque and
// need not be a UUID.
type OwnerID string

// A Provider is the name of a connector: "localfs", "github".
type Provider string

// NewSourceID makes the id of a new source. Ids made later sort higher.
func NewSourceID() (SourceID, error) {
	id, err := uuid.NewV7()
	return SourceID{id}, err
}

// NewRunID makes the id of a new run.
func NewRunID() (RunID, error) {
	id, err := uuid.NewRandom()
	return RunID{id}, err
}

// NewEventID makes the id of an event whose id does not follow from its content.
// It is made once, before the first attempt to produce.
func NewEventID() (EventID, error) {
	id, err := uuid.NewV7()
	return EventID{id}, err
}

// NewEventIDs makes n such ids, for the price of one question to the system.
func NewEventIDs(n int) ([]EventID, error) {
	random := make([]byte, n*len(uuid.UUID{}))
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	from := bytes.NewReader(random)
	ids := make([]EventID, n)
	for i := range ids {
		id, err := uuid.NewV7FromReader(from)
		if err != nil {
			return nil, err
		}
		ids[i] = EventID{id}
	}
	return ids, nil
}

// NewJobID makes the id of the job that follows the job prev of source; prev is
// zero for the first one. Requests that do not know of each other mean one job.
func NewJobID(source SourceID, prev JobID) JobID {
	return JobID{name(source, "job", prev.String())}
}

// NewItemFileID makes the id of a file whose provider has an id for it.
func NewItemFileID(source SourceID, item string) FileID {
	return FileID{name(source, "item", item)}
}

// NewPathFileID makes the n-th id of a path, for providers that have no ids. The
// id of a file is made from the raw path at first sight, with the smallest n
// whose id no live file holds: a path deleted and made again takes its id again,
// a new file at a renamed file's old path takes the next one.
func NewPathFileID(source SourceID, rawPath []byte, n int) FileID {
	return FileID{name(source, "path", string(rawPath), fmt.Sprint(n))}
}

// name makes a UUIDv5 below source. The parts are joined by NUL, which none of
// them contains: a path cannot hold it, the others are ours.
func name(source SourceID, parts ...string) uuid.UUID {
	b := make([]byte, 0, 512) // most are shorter and need no memory of their own
	b = appendJoined(append(b, source.UUID[:]...), parts)
	sum := sha1.Sum(b) // as RFC 9562 wants it; nothing rests on its strength
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80 // version 5, the variant of the RFC
	return id
}

func appendJoined(b []byte, parts []string) []byte {
	for i, p := range parts {
		if i > 0 {
			b = append(b, 0)
		}
		b = append(b, p...)
	}
	return b
}

// ParseSourceID reads a source id as users write it. Anything but a UUID is
// [ErrSourceNotFound]: no source has such an id.
func ParseSourceID(s string) (SourceID, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return SourceID{}, fmt.Errorf("source %q: %w", s, ErrSourceNotFound)
	}
	return SourceID{id}, nil
}

// ParseFileID reads a file id; anything but a UUID is [ErrFileNotFound].
func ParseFileID(s string) (FileID, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return FileID{}, fmt.Errorf("file %q: %w", s, ErrFileNotFound)
	}
	return FileID{id}, nil
}

// ParseJobID reads a job id; anything but a UUID is [ErrJobNotFound].
func ParseJobID(s string) (JobID, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return JobID{}, fmt.Errorf("job %q: %w", s, ErrJobNotFound)
	}
	return JobID{id}, nil
}

// Compare orders file ids by their bytes, as Postgres orders uuids.
func (id FileID) Compare(other FileID) int { return bytes.Compare(id.UUID[:], other.UUID[:]) }

// A Digest is a SHA-256. The zero value means that there is none.
type Digest [32]byte

// ParseDigest reads what String gives, and nothing else.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != hex.EncodedLen(len(d)) || strings.ContainsAny(s, "ABCDEF") {
		return d, fmt.Errorf("digest %q: want 64 hexadecimal digits, in lower case", s)
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	return d, nil
}

// String gives 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether there is no digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText is the form of d in JSON.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of MarshalText.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDigest(string(b))
	return err
}
