package forge

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
	Repo  string        `json:"repo"`
	Stage string        `json:"stage"`
	At    domain.Cursor `json:"at,omitzero"`     // of git
	After string        `json:"after,omitempty"` // of a kind of items
}

// A feed is how far each part was told.
type feed struct {
	Repo  string          `json:"repo"`
	Files domain.Cursor   `json:"files"`
	Wiki  *domain.Cursor  `json:"wiki,omitempty"` // nil: not asked for; zero: there was none
	Marks map[string]Mark `json:"marks,omitempty"`
}

// RepositoryIn is the id of the repository that a cursor is of; empty for a zero
// cursor. ErrCursorReset: it is none of this package.
func RepositoryIn(c domain.Cursor) (string, error) {
	var at struct {
		Repo string `json:"repo"`
	}
	if c.IsZero() {
		return "", nil
	}
	err := unseal(c, c.Kind, &at)
	if err == nil && (c.Kind != cursorListing && c.Kind != cursorFeed || at.Repo == "") {
		err = fmt.Errorf("forge: cursor %q: %w", c.Kind, domain.ErrCursorReset)
	}
	return at.Repo, err
}

func seal(kind string, v any) (domain.Cursor, error) {
	opaque, err := json.Marshal(v)
	return domain.Cursor{V: cursorVersion, Kind: kind, Opaque: opaque}, err
}

// unseal reads a cursor of a kind. ErrCursorReset: it is another one's.
func unseal(c domain.Cursor, kind string, into any) error {
	if c.V != cursorVersion || c.Kind != kind || json.Unmarshal(c.Opaque, into) != nil {
		return fmt.Errorf("forge: cursor %q of version %d: %w", c.Kind, c.V, domain.ErrCursorReset)
	}
	return nil
}

// fits reports whether f has a position for exactly what the source asks for.
func (f feed) fits(r *Repository) bool {
	for _, k := range r.Kinds {
		if _, ok := f.Marks[k.Name()]; !ok {
			return false
		}
	}
	return f.Repo == r.ID && len(f.Marks) == len(r.Kinds) && (f.Wiki != nil) == (r.Wiki != nil)
}
