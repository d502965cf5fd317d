package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// The times of notifications.
const (
	lookEvery  = 30 * time.Second // how often conditions are looked at
	sendTime   = 15 * time.Second // what one message may take
	quietTime  = 15 * time.Minute // between two messages about one condition of one source
	giveUpTime = 24 * time.Hour   // a message that was never taken is dropped
)

// A digest stands for more messages than these of one rule.
const longestList = 5

// A NotifyMessage is what a target gets. It holds no secret.
type NotifyMessage struct {
	Title   string    `json:"title"`
	Text    string    `json:"text"`
	At      time.Time `json:"at"`
	Notices []Notice  `json:"notices"`
}

// A Notice is a condition of a source that a rule has found.
type Notice struct {
	Rule      uuid.UUID       `json:"-"`
	Source    domain.SourceID `json:"source_id"`
	Name      string          `json:"source_name,omitempty"`
	Condition Condition       `json:"condition"`
	Detail    string          `json:"detail"`
	Since     time.Time       `json:"since"`
	OverAt    time.Time       `json:"over_at,omitzero"` // zero: it still holds
	Tries     int             `json:"-"`
	Reached   []int           `json:"-"` // recipients who were told while others were not: NotifyTarget.Reached
}

// NoticeTable keeps what was found and told. It may be used concurrently.
type NoticeTable interface {
	NotificationTable
	// Exclusive calls do while no other process is in it. It returns at once when
	// one is.
	Exclusive(ctx context.Context, do func(ctx context.Context) error) error
	// Found replaces what holds for a rule by these. A condition that held before
	// keeps its time; one that holds no longer is over now; one that comes back
	// before quiet has passed since it was told is told when it has.
	Found(ctx context.Context, rule uuid.UUID, now time.Time, quiet time.Duration, notices []Notice) error
	// Due are the notices of a rule that are to be told now: that they began, or
	// that they are over.
	Due(ctx context.Context, rule uuid.UUID, now time.Time) ([]Notice, error)
	// Told says that they were, or (with a failure) that they were not and are due
	// again at next; next is zero for what is given up. All have the same Reached.
	Told(ctx context.Context, rule uuid.UUID, now time.Time, notices []Notice, failure string, next time.Time) error
}

// A Notifier tells people about their sources. It looks at what holds, not at what
// happened: a message lost in a crash is sent after it, and a condition is told
// once however often it is met.
type Notifier struct {
	Table       NoticeTable
	Sender      NotifySender
	Credentials domain.Credentials
	Index       domain.Index
	Troubles    func(ctx context.Context) (map[domain.SourceID]Trouble, error)
	Clock       domain.Clock
	Logger      *slog.Logger
}

// Run looks and tells until ctx ends.
func (n *Notifier) Run(ctx context.Context) error {
	for {
		if err := n.Table.Exclusive(ctx, n.Once); err != nil && ctx.Err() == nil {
			n.Logger.ErrorContext(ctx, "notifications", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.Clock.After(lookEvery):
		}
	}
}

// Once looks at all sources and tells what is new. A target that is slow or fails
// holds up no other one.
func (n *Notifier) Once(ctx context.Context) error {
	rules, err := n.Table.Rules(ctx, "")
	if err != nil || len(rules) == 0 {
		return err
	}
	if err := n.look(ctx, rules); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, r := range rules {
		all.Go(func() {
			if err := n.tell(ctx, r); err != nil && ctx.Err() == nil {
				n.Logger.WarnContext(ctx, "notification", "rule", r.ID, "owner", r.Owner, "err", err)
			}
		})
	}
	all.Wait()
	return nil
}

// look writes down what holds for each rule.
func (n *Notifier) look(ctx context.Context, rules []NotificationRule) error {
	troubles, err := n.Troubles(ctx)
	if err != nil {
		return err
	}
	of := make(map[domain.OwnerID][]NotificationRule)
	for _, r := range rules {
		of[r.Owner] = append(of[r.Owner], r)
	}
	now, found := n.Clock.Now(), make(map[uuid.UUID][]Notice)
	for src, err := range n.Index.Candidates(ctx) {
		if err != nil {
			return err
		}
		for _, r := range of[src.Owner] {
			for c, detail := range conditionsOf(src, troubles[src.ID], r.Threshold) {
				if r.wants(src, c) {
					found[r.ID] = append(found[r.ID], Notice{Rule: r.ID, Source: src.ID, Condition: c, Detail: domain.Clean(detail)})
				}
			}
		}
	}
	for _, r := range rules {
		if err := n.Table.Found(ctx, r.ID, now, quietTime, found[r.ID]); err != nil {
			return err
		}
	}
	return nil
}

// tell sends what is due for a rule as one message.
func (n *Notifier) tell(ctx context.Context, r NotificationRule) error {
	now := n.Clock.Now()
	due, err := n.Table.Due(ctx, r.ID, now)
	if err != nil || len(due) == 0 {
		return err
	}
	for i := range due {
		if src, err := n.Index.Source(ctx, due[i].Source); err == nil { // else its id says enough
			due[i].Name = src.Name
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	for _, some := range byReached(due) {
		failure, next := "", time.Time{}
		if err := n.send(sending, r, some); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			failure = shortText(err.Error())
			if next = now.Add(retryDelay(some[0].Tries + 1)); next.Sub(oldest(some)) > giveUpTime {
				next = time.Time{}
			}
			if partly := new(PartlySentError); errors.As(err, &partly) {
				for i := range some {
					some[i].Reached = partly.Reached
				}
			}
		}
		// A crash right before this line tells them once more.
		if err := n.Table.Told(ctx, r.ID, now, some, failure, next); err != nil {
			return err
		}
	}
	return nil
}

// byReached parts notices by whom they have reached: each part is a message. Those
// that have reached nobody come first, so that the failure that a rule shows is that
// of a recipient who is still in trouble.
func byReached(due []Notice) [][]Notice {
	var parts [][]Notice
	slices.SortStableFunc(due, func(a, b Notice) int { return slices.Compare(a.Reached, b.Reached) })
	for i, one := range due {
		if i == 0 || !slices.Equal(one.Reached, due[i-1].Reached) {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], one)
	}
	return parts
}

func oldest(notices []Notice) time.Time {
	first := notices[0].began()
	for _, one := range notices {
		if one.began().Before(first) {
			first = one.began()
		}
	}
	return first
}

// began is when what there is to tell happened.
func (n Notice) began() time.Time {
	if n.OverAt.IsZero() {
		return n.Since
	}
	return n.OverAt
}

func (n *Notifier) send(ctx context.Context, r NotificationRule, due []Notice) error {
	target, err := targetOf(ctx, n.Credentials, r)
	if err != nil {
		return err
	}
	target.Reached = due[0].Reached
	return n.Sender.Send(ctx, target, idOf(r, due), messageOf(due, n.Clock.Now()))
}

// idOf names a message by what it tells, so that a repeat after a lost answer is
// known as one.
func idOf(r NotificationRule, due []Notice) string {
	parts := []string{r.ID.String()}
	for _, d := range due {
		parts = append(parts, d.Source.String(), string(d.Condition), strconv.FormatInt(d.began().UnixMicro(), 10), strconv.FormatBool(d.OverAt.IsZero()))
	}
	return digestOf(parts...).String()
}

// messageOf is the text for people.
func messageOf(due []Notice, now time.Time) NotifyMessage {
	m := NotifyMessage{At: now, Notices: due}
	var lines []string
	for i, d := range due {
		if i == longestList {
			lines = append(lines, fmt.Sprintf("and %d more", len(due)-i))
			break
		}
		lines = append(lines, d.line())
	}
	m.Title, m.Text = "data-connector: "+due[0].title(), strings.Join(lines, "\n")
	if len(due) > 1 {
		m.Title = fmt.Sprintf("data-connector: %d notices", len(due))
	}
	return m
}

func (n Notice) title() string {
	if n.OverAt.IsZero() {
		return fmt.Sprintf("%s: %s", n.label(), n.Condition)
	}
	return fmt.Sprintf("%s: recovered from %s", n.label(), n.Condition)
}

func (n Notice) line() string {
	if n.OverAt.IsZero() {
		return n.title() + ". " + n.Detail
	}
	return n.title() + "."
}

func (n Notice) label() string {
	if n.Name == "" {
		return "source " + n.Source.String()
	}
	return fmt.Sprintf("%s (%s)", n.Name, n.Source)
}
