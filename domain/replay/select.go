package replay

import (
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/confuse/data-connector/domain"
)

// wants tells whether an event is meant by what it says of its file. Sources and
// times are compared by the caller.
func (s Selector) wants(e domain.FileChanged) bool {
	if s.PathGlob != "" && !doublestar.MatchUnvalidated(s.PathGlob, e.Path) {
		return false
	}
	return (len(s.Kinds) == 0 || slices.Contains(s.Kinds, e.Kind)) &&
		(len(s.Languages) == 0 || slices.Contains(s.Languages, e.Language))
}
