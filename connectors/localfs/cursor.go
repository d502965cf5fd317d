package localfs

import (
	"encoding/json"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

const (
	cursorVersion = 1
	cursorKind    = "path"
)

// A position is how far a walk of one root came.
type position struct {
	After []byte `json:"after"` // raw; a folder that is done ends in a slash
	Root  string `json:"root"`  // device and inode of the root
}

func newCursor(after string, root fileID) (domain.Cursor, error) {
	if after == "" {
		return domain.Cursor{}, nil
	}
	opaque, err := json.Marshal(position{After: []byte(after), Root: root.String()})
	return domain.Cursor{V: cursorVersion, Kind: cursorKind, Opaque: opaque}, err
}

// parseCursor gives the path to go on behind, empty for the start. A position in
// another root, or of another version, is worth nothing: the walk starts over,
// which costs time and is never wrong.
func parseCursor(c domain.Cursor, root fileID) string {
	var p position
	if c.V != cursorVersion || c.Kind != cursorKind || json.Unmarshal(c.Opaque, &p) != nil || p.Root != root.String() {
		return ""
	}
	return string(p.After)
}

func (id fileID) String() string { return fmt.Sprintf("%d:%d", id.device, id.inode) }
