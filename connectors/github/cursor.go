package github

import (
	"encoding/json"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

const (
	cursorVersion = 1
	cursorListing = "listing" // how far a listing came
	cursorFeed    = "feed"    // how far each part of the feed came
)

// A listing is how far a Snapshot came. One of At and After counts, by the stage.
type listing struct {
	Repo  int64         `json:"repo"`
	Stage string        `json:"stage"`
	At    domain.Cursor `json:"at,omitzero"`     // of git
	After string        `json:"after,omitempty"` // of a kind of items
}

// A feed is how far each part was told.
type feed struct {
	Repo  int64           `json:"repo"`
	Files domain.Cursor   `json:"files"`
	Wiki  *domain.Cursor  `json:"wiki,omitempty"` // nil: not asked for; zero: there was none
	Marks map[string]mark `json:"marks,omitempty"`
}

func seal(kind string, v any) (domain.Cursor, error) {
	opaque, err := json.Marshal(v)
	return domain.Cursor{V: cursorVersion, Kind: kind, Opaque: opaque}, err
}

// unseal reads a cursor of a kind. ErrCursorReset: it is another one's.
func unseal(c domain.Cursor, kind string, into any) error {
	if c.V != cursorVersion || c.Kind != kind || json.Unmarshal(c.Opaque, into) != nil {
		return fmt.Errorf("github: cursor %q of version %d: %w", c.Kind, c.V, domain.ErrCursorReset)
	}
	return nil
}

// fits reports whether f has a position for exactly what the source asks for.
func (f feed) fits(ss *session) bool {
	kinds := ss.kinds()
	for _, k := range kinds {
		if _, ok := f.Marks[k.name()]; !ok {
			return false
		}
	}
	return len(f.Marks) == len(kinds) && (f.Wiki != nil) == ss.o.IndexWiki
}
