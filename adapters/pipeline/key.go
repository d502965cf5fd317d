package pipeline

import "github.com/google/uuid"

// KeyOf is the idempotency key of what has the id: that id, the same whenever it is
// sent. What a replay hands on again, or a retry of a dead letter, has one of its own
// for each turn, so that a neighbour that keeps keys does not take it for done.
func KeyOf(id uuid.UUID, turn string) string {
	if turn == "" {
		return id.String()
	}
	return uuid.NewSHA1(id, []byte(turn)).String()
}
