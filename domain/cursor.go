package domain

import "encoding/json"

// MaxCursor is the most bytes that an [Envelope] may take on the log.
const MaxCursor = 64 << 10

// A Cursor is a provider's own position in its listing or feed. Only the
// connector that made it reads it. The zero Cursor means "from the start".
type Cursor struct {
	V      int             `json:"v,omitempty"`      // version of Opaque, from 1
	Kind   string          `json:"kind,omitempty"`   // of position: the connector's own word
	Opaque json.RawMessage `json:"opaque,omitempty"` // no id sets inside
}

// IsZero reports whether c means "from the start".
func (c Cursor) IsZero() bool { return c.V == 0 && c.Kind == "" && len(c.Opaque) == 0 }

// A Phase says what a source's cursor is for.
type Phase string

// The phases of a source.
const (
	PhaseListing   Phase = "listing"   // its first listing is under way: Resume says how far it came
	PhaseFollowing Phase = "following" // a listing was complete: Resume is where its feed goes on
)

// An Envelope is the engine's cursor around the provider's own position. It is
// what sync_progressed carries (I2, I9).
type Envelope struct {
	Phase Phase  `json:"phase"`
	Epoch int64  `json:"epoch"` // number of listings begun, from 1
	Scope Digest `json:"scope"` // of what the listing was asked for; another scope means another listing
	Start Cursor `json:"start"` // taken before the listing, where the feed goes on when it is complete
	// Resume is the provider's position behind the last page. Zero while listing:
	// start over.
	Resume Cursor `json:"resume"`
	// Unread: an item could not be read, for a reason that may pass. The next sync
	// lists everything, for a feed does not tell of it again.
	Unread bool `json:"unread,omitempty"`
}
