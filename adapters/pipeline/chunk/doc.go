// Package chunk is the stage that hands the text of files on to the chunker, by
// POST /chunk/jobs. Its main type is [Stage].
//
// An item goes under the id of the event that tells of it. The chunker keeps
// nothing but that id, so the stage remembers what belongs to it.
//
// # Why
//
// The chunker answers 200 and then works on its own: there is no other
// acknowledgement, nothing is deduplicated, and nothing can be taken back. So a
// state that was accepted is not given again unless a replay says so, and what has
// no call there, such as a removal, is recorded as skipped.
//
// A 200 is final even if it does not say that all was accepted, or makes no sense.
// Nobody knows then which items the chunker has, so none of them is given again by
// itself: each is a dead letter that says what came, and a person decides. A 200 that is
// cut off is a lost answer, as if none had come.
package chunk
