package ingest

import (
	"fmt"
	"slices"

	"github.com/confuse/data-connector/domain"
)

// A Condition is something about a source that somebody may want to be told.
type Condition string

// The conditions.
const (
	ConditionFailed      Condition = "job_failed"         // its last job has failed for good
	ConditionCredential  Condition = "credential_expired" // it waits for another credential
	ConditionGone        Condition = "gone"               // the provider has lost it, and that is confirmed
	ConditionHeld        Condition = "deletes_held"       // a mass delete waits for a release
	ConditionParked      Condition = "parked"             // an event of it could not be read: its rows stand still
	ConditionDeadLetters Condition = "dead_letters"       // neighbours have refused more of its files than the rule allows
)

// Conditions are all there are.
func Conditions() []Condition {
	return []Condition{ConditionFailed, ConditionCredential, ConditionGone, ConditionHeld, ConditionParked, ConditionDeadLetters}
}

// A Trouble is what the rows know of a source beside its fold.
type Trouble struct {
	Letters int64 // dead letters
	Parked  int64 // events that wait in poison
	// Failed: its last job that ended by itself has failed for good. It stays so
	// while the next one is on its way, until that completes.
	Failed bool
}

// conditionsOf are those that hold for src, with what there is to say of each:
// without secrets, for people. What follows from another condition is left out: a
// job that failed for want of a credential is no second message.
func conditionsOf(src domain.Source, trouble Trouble, threshold int64) map[Condition]string {
	found := map[Condition]string{}
	if src.Removing || src.Removed {
		return found
	}
	switch {
	case src.CredentialExpired:
		found[ConditionCredential] = "The provider refuses the credential; the source waits for another one."
	case src.Status() == domain.StatusDisconnected:
		found[ConditionGone] = "The provider says again and again that there is nothing: " + src.Failure.Message
	case trouble.Failed && src.Failure != nil:
		found[ConditionFailed] = fmt.Sprintf("The last job has failed (%s): %s", src.Failure.Code, src.Failure.Message)
	}
	if src.Held != nil {
		found[ConditionHeld] = fmt.Sprintf("%d deletes wait for a release.", src.Held.Count)
	}
	if trouble.Parked > 0 {
		found[ConditionParked] = fmt.Sprintf("%d events could not be folded; its rows stand still.", trouble.Parked)
	}
	if trouble.Letters > threshold {
		found[ConditionDeadLetters] = fmt.Sprintf("%d files were refused by a neighbour.", trouble.Letters)
	}
	return found
}

// checkConditions refuses a name that is no condition.
func checkConditions(given []Condition) error {
	for i, c := range given {
		if !slices.Contains(Conditions(), c) {
			return &domain.InvalidError{Field: fmt.Sprintf("conditions[%d]", i), Problem: fmt.Sprintf("unknown condition %q", domain.Clean(string(c))), Allowed: fmt.Sprint(Conditions())}
		}
	}
	return nil
}
