package domain

import (
	"context"

	"github.com/google/uuid"
)

// A HandedItem is one thing that a stage gives to a neighbour under an id of
// ours. All that follows from the id is here, since the neighbour may keep nothing
// but the id.
type HandedItem struct {
	ID       uuid.UUID // the same whenever the same state is given
	SourceID SourceID
	OwnerID  OwnerID
	FileID   FileID
	At       Revised
	Digest   Digest // of the content; zero: it has none
	Path     string
	Revision string
}

// A HandedBefore is what is known of an item before it is given.
type HandedBefore struct {
	Accepted bool   // the neighbour has it already, from the same turn; what is of no state of a file also for a new one, from whichever
	Known    bool   // it has accepted an older state of the file
	Digest   Digest // of that state's content
}

// A HandedItems remembers what was given to neighbours. It may be used
// concurrently.
type HandedItems interface {
	// Offer remembers items before a stage gives them, and tells what is known of
	// each, in their order. turn says which time they are given: it is empty for what is
	// new, else it names a replay, or one more time in it.
	Offer(ctx context.Context, stage, turn string, items []HandedItem) ([]HandedBefore, error)
	// Accept remembers that the neighbour has items that were offered.
	Accept(ctx context.Context, stage, turn string, ids []uuid.UUID) error
	// Find gives items by their ids. One that is not in the map was never offered,
	// or a newer state of its file was, more than seven days ago.
	Find(ctx context.Context, stage string, ids []uuid.UUID) (map[uuid.UUID]HandedItem, error)
	// Forget drops the items of a source.
	Forget(ctx context.Context, source SourceID) error
}

// A HandedPart is a piece that a neighbour made of an item, such as a chunk, and
// that is handed on by itself.
type HandedPart struct{ Item, ID uuid.UUID }

// A RefusedPart is one that was refused for good.
type RefusedPart struct {
	HandedPart
	Error  string
	Letter Letter
}

// Parts is what became of the parts of an item.
type Parts struct {
	Accepted int64         // how many were accepted, each counted once
	Refused  []RefusedPart // in the order of their letters; at most MaxRefused
}

// MaxRefused bounds what is told of the refused parts of one item.
const MaxRefused = 1000
