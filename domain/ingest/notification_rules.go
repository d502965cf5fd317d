package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// The kinds of targets.
const (
	NotifyService = "service" // an address of a chat, mail or paging service, as shoutrrr writes it
	NotifyWebhook = "webhook" // an address that takes signed webhooks
)

// maxRules is the most rules of an owner.
const maxRules = 100

// ErrRuleNotFound answers for another owner's rule as for an unknown one (I10).
var ErrRuleNotFound = errors.New("notification rule not found")

// NotifyProvider is the provider under which addresses of targets are sealed.
const NotifyProvider domain.Provider = "notification"

// A NotificationRule says who is told what. Its address is sealed: it often is a
// secret itself.
type NotificationRule struct {
	ID         uuid.UUID
	Owner      domain.OwnerID
	Source     domain.SourceID // zero: all sources of the owner
	Name       string          // for people
	Kind       string          // NotifyService or NotifyWebhook
	Conditions []Condition     // empty: all
	Threshold  int64           // dead letters of a source that are not yet worth a message
	Credential string          // id of the sealed address
	CreatedAt  time.Time
	SentAt     time.Time // of the last message that was taken; zero: none was
	FailedAt   time.Time // of the last that was not; zero: none
	Failure    string    // why; empty once one was taken
}

// wants reports whether the rule is about a condition of src.
func (r NotificationRule) wants(src domain.Source, c Condition) bool {
	if src.Owner != r.Owner || r.Source != (domain.SourceID{}) && r.Source != src.ID {
		return false
	}
	for _, one := range r.Conditions {
		if one == c {
			return true
		}
	}
	return len(r.Conditions) == 0
}

// A NotifyTarget is where a message goes. Both may be secrets.
type NotifyTarget struct {
	Kind   string
	URL    domain.Secret
	Secret domain.Secret // webhook: what it is signed with

	Reached []int // of several recipients of the address, those that have the message, by their places
}

// A PartlySentError is a message that some recipients of a target have and others do
// not. It is sent again to the others alone, with Reached in the target.
type PartlySentError struct {
	Reached []int // all of them so far
	Err     error // why not the others
}

func (e *PartlySentError) Error() string { return e.Err.Error() }

// Unwrap gives why the others do not have it.
func (e *PartlySentError) Unwrap() error { return e.Err }

// A NotifySender hands messages to targets. It may be used concurrently.
type NotifySender interface {
	// Check says whether a target may be used: an InvalidError names url or secret.
	Check(ctx context.Context, t NotifyTarget) error
	// Send hands one message over. The id is the same when it is sent again. Its
	// error holds no secret; it may be a *PartlySentError.
	Send(ctx context.Context, t NotifyTarget, id string, m NotifyMessage) error
}

// A NotificationTable keeps the rules. It may be used concurrently.
type NotificationTable interface {
	AddRule(ctx context.Context, r NotificationRule) error
	// Rules are the owner's, the oldest first; of all owners when it is empty.
	Rules(ctx context.Context, owner domain.OwnerID) ([]NotificationRule, error)
	// DeleteRule forgets one and its notices, and returns it. ErrRuleNotFound.
	DeleteRule(ctx context.Context, owner domain.OwnerID, id uuid.UUID) (NotificationRule, error)
}

// Notifications are the commands about rules. Its fields are set once; it may be
// used concurrently.
type Notifications struct {
	Table       NotificationTable
	Sender      NotifySender
	Credentials domain.Credentials // nil: there is no vault, and no rule can be made
	Index       domain.Index
	Clock       domain.Clock
}

// Add makes a rule. Its address is sealed before the rule is written: what a death
// between the two leaves is a sealed row that nothing names.
func (n *Notifications) Add(ctx context.Context, r NotificationRule, t NotifyTarget) (NotificationRule, error) {
	if err := n.check(ctx, r, t); err != nil {
		return r, err
	}
	var err error
	if r.ID, err = uuid.NewV7(); err != nil {
		return r, err
	}
	r.Kind, r.CreatedAt = t.Kind, n.Clock.Now()
	r.Credential, err = n.Credentials.Put(ctx, r.Owner, NotifyProvider, domain.Credential{Kind: domain.CredentialToken, Secret: t.URL + between + t.Secret})
	if err != nil {
		return r, fmt.Errorf("seal the address: %w", err)
	}
	return r, n.Table.AddRule(ctx, r)
}

func (n *Notifications) check(ctx context.Context, r NotificationRule, t NotifyTarget) error {
	if n.Credentials == nil {
		return fmt.Errorf("addresses cannot be sealed without VAULT_KEYSET_FILE: %w", domain.ErrUnavailable)
	}
	if err := checkName(r.Name); err != nil {
		return err
	}
	if err := checkConditions(r.Conditions); err != nil {
		return err
	}
	if r.Threshold < 0 {
		return &domain.InvalidError{Field: "threshold", Problem: "is negative", Allowed: "a number from 0"}
	}
	if r.Source != (domain.SourceID{}) {
		if src, err := n.Index.Source(ctx, r.Source); err != nil || src.Owner != r.Owner || src.Removing {
			return errors.Join(err, fmt.Errorf("source %q: %w", r.Source, domain.ErrSourceNotFound))
		}
	}
	rules, err := n.Table.Rules(ctx, r.Owner)
	if err != nil {
		return err
	}
	if len(rules) >= maxRules {
		return fmt.Errorf("an owner has at most %d rules: %w", maxRules, domain.ErrConflict)
	}
	return n.Sender.Check(ctx, t)
}

// List are the rules of an owner.
func (n *Notifications) List(ctx context.Context, owner domain.OwnerID) ([]NotificationRule, error) {
	if owner == "" {
		return nil, nil
	}
	return n.Table.Rules(ctx, owner)
}

// Remove forgets a rule, then its address.
func (n *Notifications) Remove(ctx context.Context, owner domain.OwnerID, id uuid.UUID) error {
	r, err := n.Table.DeleteRule(ctx, owner, id)
	if err != nil || n.Credentials == nil {
		return err
	}
	return n.Credentials.Delete(ctx, owner, r.Credential)
}

// Try sends a message to see whether it arrives. The error is the target's.
func (n *Notifications) Try(ctx context.Context, owner domain.OwnerID, id uuid.UUID) error {
	rules, err := n.List(ctx, owner)
	if err != nil {
		return err
	}
	for _, r := range rules {
		if r.ID == id {
			t, err := targetOf(ctx, n.Credentials, r)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, sendTime)
			defer cancel()
			return n.Sender.Send(ctx, t, "try-"+uuid.NewString(), NotifyMessage{Title: "A test of data-connector", Text: "Rule " + r.Name + " works.", At: n.Clock.Now()})
		}
	}
	return fmt.Errorf("rule %s: %w", id, ErrRuleNotFound)
}

// between stands between an address, which holds no line end, and what it is signed
// with: both are secrets, and sealed as one.
const between = "\n"

// targetOf opens the address of a rule.
func targetOf(ctx context.Context, vault domain.Credentials, r NotificationRule) (NotifyTarget, error) {
	if vault == nil {
		return NotifyTarget{}, fmt.Errorf("addresses cannot be opened without VAULT_KEYSET_FILE: %w", domain.ErrUnavailable)
	}
	c, err := vault.Get(ctx, r.Owner, NotifyProvider, r.Credential)
	address, secret, _ := strings.Cut(string(c.Secret), between)
	return NotifyTarget{Kind: r.Kind, URL: domain.Secret(address), Secret: domain.Secret(secret)}, err
}
