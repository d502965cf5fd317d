package gitrepo

import (
	"encoding/json"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

const (
	cursorVersion = 1
	cursorListing = "listing" // how far a listing of one commit came
	cursorCommit  = "commit"  // which commit was told
)

// A position is what a cursor says.
type position struct {
	Commit string `json:"commit,omitempty"` // that is listed, or was told; empty: the repository was empty
	Ref    string `json:"ref,omitempty"`    // that it was read from, for people
	To     string `json:"to,omitempty"`     // the commit whose difference from Commit is being told; empty: none is
	After  []byte `json:"after,omitempty"`  // raw path behind which a listing goes on
}

func (p position) cursor(kind string) (domain.Cursor, error) {
	opaque, err := json.Marshal(p)
	return domain.Cursor{V: cursorVersion, Kind: kind, Opaque: opaque}, err
}

// parse reads a cursor of a kind. ErrCursorReset: it is another one's.
func parse(c domain.Cursor, kind string) (position, error) {
	var p position
	if c.V != cursorVersion || c.Kind != kind || json.Unmarshal(c.Opaque, &p) != nil ||
		p.Commit != "" && !isID(p.Commit) || p.To != "" && !isID(p.To) {
		return position{}, fmt.Errorf("gitrepo: cursor %q of version %d: %w", c.Kind, c.V, domain.ErrCursorReset)
	}
	return p, nil
}
