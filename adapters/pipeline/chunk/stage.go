package chunk

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/normalize"
	"github.com/confuse/data-connector/domain"
)

// Name is the name of the stage.
const Name = "chunk"

const (
	// maxBody is what a request may take: the chunker refuses more than 2 MiB, and
	// some room is left for whatever stands between.
	maxBody  = 2<<20 - 16<<10
	maxItems = 100     // in a request, as the chunker's documents advise
	maxBatch = 1 << 20 // bytes of content in a batch: its JSON may be longer
)

// A Stage is pipeline.Stage for the chunker.
type Stage struct {
	client pipeline.Client
	texts  *normalize.Normalizer
	given  domain.HandedItems
}

var _ pipeline.Stage = (*Stage)(nil)

// New makes the stage for the chunker that client reaches. given remembers what
// belongs to the ids of items.
func New(client pipeline.Client, texts *normalize.Normalizer, given domain.HandedItems) *Stage {
	return &Stage{client: client, texts: texts, given: given}
}

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return Name }

// Limits implements pipeline.Stage.
func (s *Stage) Limits() pipeline.Limits { return pipeline.Limits{Items: maxItems, Bytes: maxBatch} }

// A part is an item of a batch on its way.
type part struct {
	n    int // in the batch
	item Item
	size int // of its JSON
}

// Handle implements pipeline.Stage. What the chunker refuses is isolated here, since
// a batch becomes several requests and those that were accepted must not be sent
// again; so an error is always trouble.
func (s *Stage) Handle(ctx context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	outcomes := make([]pipeline.Outcome, len(batch))
	before, err := s.offer(ctx, batch)
	if err != nil {
		return nil, err
	}
	groups := make(map[group][]part)
	var order []group
	for n, h := range batch {
		item, outcome, err := s.itemOf(ctx, h, before[n])
		if err != nil {
			return nil, &pipeline.FateError{Err: err} // the chunker was not asked
		}
		if item == nil {
			outcomes[n] = outcome
			continue
		}
		body, err := pipeline.Encode(item)
		if err != nil {
			return nil, err
		}
		g := group{item.SourceID, item.SourceKind, h.Turn()}
		if len(body)+headRoom > maxBody {
			outcomes[n] = pipeline.Failed(fmt.Errorf("%d bytes of JSON: %w", len(body), errTooLarge))
			continue
		}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], part{n, *item, len(body)})
	}
	for _, g := range order {
		for _, parts := range packed(groups[g]) {
			if err := s.send(ctx, g, parts, outcomes); err != nil {
				return nil, &pipeline.PartError{Err: err, Outcomes: outcomes}
			}
		}
	}
	return outcomes, nil
}

// headRoom is what a request takes besides its items.
const headRoom = 1 << 10

var (
	errTooLarge = errors.New("an item that the chunker takes has less than 2 MiB of JSON")
	errAccepted = errors.New("the chunker answered 200, which is final, but")
)

// offer remembers the items of a batch before any of them is sent: the chunker may
// push chunks of an item while it is still being answered for.
func (s *Stage) offer(ctx context.Context, batch []pipeline.Handover) ([]domain.HandedBefore, error) {
	before := make([]domain.HandedBefore, len(batch))
	byTurn := make(map[string][]int)
	for n, h := range batch {
		if h.File.Content != nil && h.File.Change != domain.FileRemoved {
			byTurn[h.Turn()] = append(byTurn[h.Turn()], n)
		}
	}
	for turn, ns := range byTurn {
		items := make([]domain.HandedItem, len(ns))
		for i, n := range ns {
			items[i] = handed(batch[n])
		}
		known, err := s.given.Offer(ctx, Name, turn, items)
		if err != nil {
			return nil, pipeline.Own(err)
		}
		for i, n := range ns {
			before[n] = known[i]
		}
	}
	return before, nil
}

func handed(h pipeline.Handover) domain.HandedItem {
	return domain.HandedItem{
		ID: h.ID.UUID, SourceID: h.File.SourceID, OwnerID: h.File.OwnerID, FileID: h.File.FileID, At: h.File.Revised(),
		Digest: h.File.Content.SHA256, Path: h.File.Path, Revision: h.File.Revision,
	}
}

// itemOf makes the item of one change, or tells why there is none.
func (s *Stage) itemOf(ctx context.Context, h pipeline.Handover, before domain.HandedBefore) (*Item, pipeline.Outcome, error) {
	if reason := needless(h, before); reason != "" {
		return nil, pipeline.Skipped(reason), nil
	}
	if before.Accepted {
		return nil, pipeline.Done(1), nil // a crash came between its answer and the report
	}
	text, err := s.texts.Text(ctx, h)
	if outcome, over := normalize.Told(err); over {
		return nil, outcome, nil
	}
	switch {
	case err != nil:
		return nil, pipeline.Outcome{}, err
	case isBlank(text.Content):
		return nil, pipeline.Skipped(ReasonEmpty), nil
	}
	item := newItem(h, text)
	return &item, pipeline.Outcome{}, nil
}

// ReasonEmpty is a file with nothing but white space.
const ReasonEmpty = "empty"

// needless tells why a change has no call at the chunker; empty: it has one. Other
// attributes and another path change no chunk that the chunker could be told of.
func needless(h pipeline.Handover, before domain.HandedBefore) string {
	f := h.File
	switch {
	case f.Change == domain.FileRemoved:
		return pipeline.ReasonNoWay
	case f.Content == nil:
		return pipeline.ReasonNoContent
	case h.Replay != "" || !before.Known || before.Digest != f.Content.SHA256:
		return ""
	case f.Change == domain.FileRenamed:
		return pipeline.ReasonNoWay
	case f.Change == domain.FileMetadata:
		return pipeline.ReasonUnchanged
	}
	return ""
}

// send posts parts of one group. When they are refused, halves of them are posted,
// until the guilty one is alone. What was answered with 200 is not posted again, whatever
// that says: what it does not say to be accepted has failed.
func (s *Stage) send(ctx context.Context, g group, parts []part, outcomes []pipeline.Outcome) error {
	err := s.post(ctx, g, parts)
	switch {
	case err == nil:
		ids := make([]uuid.UUID, len(parts))
		for i, p := range parts {
			ids[i], outcomes[p.n] = p.item.ID, pipeline.Done(1)
		}
		// A crash right before this line sends them once more, under the same ids.
		return pipeline.Insist(ctx, func(ctx context.Context) error { return s.given.Accept(ctx, Name, g.turn, ids) })
	case !pipeline.IsFinal(err):
		for _, p := range parts {
			outcomes[p.n].Err = err
		}
		return err
	case len(parts) == 1 || errors.Is(err, errAccepted):
		for _, p := range parts {
			outcomes[p.n] = pipeline.Failed(err)
		}
		return nil
	}
	half := len(parts) / 2
	if err := s.send(ctx, g, parts[:half], outcomes); err != nil {
		return err
	}
	return s.send(ctx, g, parts[half:], outcomes)
}

func (s *Stage) post(ctx context.Context, g group, parts []part) error {
	job := Job{SourceID: g.source, SourceKind: g.kind, Items: make([]Item, len(parts))}
	for i, p := range parts {
		job.Items[i] = p.item
	}
	var answer Answer
	if err := s.client.PostJSON(ctx, "/chunk/jobs", keyOf(parts, g.turn), job, &answer); err != nil {
		if unreadable := new(pipeline.UnreadableError); errors.As(err, &unreadable) {
			return pipeline.Final(fmt.Errorf("%w its body cannot be read, so nobody knows what it has accepted: %w", errAccepted, err))
		}
		return err
	}
	switch {
	case !answer.Accepted:
		return pipeline.Final(fmt.Errorf("%w says that it has accepted none of %d items: %.500q", errAccepted, len(parts), answer.Message))
	case answer.ItemsCount < len(parts):
		return pipeline.Final(fmt.Errorf("%w says that it has accepted %d of %d items, and not which: %.500q", errAccepted, answer.ItemsCount, len(parts), answer.Message))
	}
	return nil
}

// keyOf is the same whenever the same items are sent together in one turn.
func keyOf(parts []part, turn string) string {
	if len(parts) == 1 {
		return pipeline.KeyOf(parts[0].item.ID, turn)
	}
	var all []byte
	for _, p := range parts {
		all = append(all, p.item.ID[:]...)
	}
	return pipeline.KeyOf(uuid.NewSHA1(uuid.Nil, all), turn)
}

// A group goes into requests of its own: the chunker wants one source and one kind
// for each.
type group struct {
	source uuid.UUID
	kind   SourceKind
	turn   string
}

// packed cuts parts into requests that the chunker takes.
func packed(parts []part) [][]part {
	var all [][]part
	size := headRoom
	for _, p := range parts {
		if len(all) == 0 || size+p.size+1 > maxBody || len(all[len(all)-1]) >= maxItems {
			all, size = append(all, nil), headRoom
		}
		all[len(all)-1] = append(all[len(all)-1], p)
		size += p.size + 1
	}
	return all
}
