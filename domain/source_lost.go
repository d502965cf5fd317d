package domain

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// maxLost is how many files a source remembers as lost. What lies in their packs
// is looked at with them, and what is left over is found when it is read again.
const maxLost = 100

// A Lost is a file whose content was found missing or damaged in our store.
type Lost struct {
	File   FileID `json:"file"`
	Behind int64  `json:"behind"` // offset + 1 of the hint that says so
}

// ContentLost decides to tell that the content of a file could not be read, so
// that the next sync fetches it again. false: that is known already, or s is
// removed.
func (s Source) ContentLost(file FileID, at time.Time) (SourceChanged, bool) {
	if s.live() != nil || s.isLost(file) {
		return SourceChanged{}, false
	}
	e := s.event(SourceHintReceived, at)
	e.Hint = &Hint{Origin: OriginContent, Refs: []string{file.String()}}
	return e, true
}

func (s Source) isLost(file FileID) bool {
	return slices.ContainsFunc(s.Lost, func(l Lost) bool { return l.File == file })
}

// withLost is s.Lost and what the hint h, which stands at offset, adds. A ref that
// is no id means nothing.
func (s Source) withLost(h *Hint, offset int64) []Lost {
	if h == nil || h.Origin != OriginContent {
		return s.Lost
	}
	s.Lost = slices.Clone(s.Lost)
	for _, ref := range h.Refs {
		id, err := uuid.Parse(ref)
		if file := (FileID{id}); err == nil && len(s.Lost) < maxLost && !s.isLost(file) {
			s.Lost = append(s.Lost, Lost{File: file, Behind: offset + 1})
		}
	}
	return s.Lost
}

// stillLost is what the run that completes did not know of when it was claimed.
func (s Source) stillLost() []Lost {
	var still []Lost
	for _, l := range s.Lost {
		if l.Behind > s.BehindClaim {
			still = append(still, l)
		}
	}
	return still
}
