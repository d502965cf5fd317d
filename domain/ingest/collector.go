package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// collectEvery is how often the packs of a source are looked through.
const collectEvery = 24 * time.Hour

// An IdlePack is one that no live file names.
type IdlePack struct {
	Since time.Time // when that was first seen
	// Revisions: an event that counts names it, so it holds older revisions. Else it
	// is not known yet, or the leftover of a run that died.
	Revisions bool
}

// IdlePacks remembers since when packs are idle. Losing that keeps them longer.
type IdlePacks interface {
	// Note says which packs of a source are idle at a time. It gives what is known
	// of them, and forgets all others of the source.
	Note(ctx context.Context, source domain.SourceID, packs []string, at time.Time) (map[string]IdlePack, error)
	// NoteRevisions says that these of them hold older revisions.
	NoteRevisions(ctx context.Context, source domain.SourceID, packs []string) error
}

// Runs reads which runs counted.
type Runs interface {
	// RunsOf are the runs of a source that have these numbers, as far as there are.
	RunsOf(ctx context.Context, source domain.SourceID, numbers []int64) ([]domain.Run, error)
}

// A Collector deletes packs that nobody needs: leftovers of runs that died or were
// cancelled, which no event that counts names, and, after a while, packs that hold
// nothing but older revisions. A pack of a run that goes on stays, and so does one
// that a live file names. What a run still writes after its end does not count, so
// its packs may go at any moment. Several may run.
type Collector struct {
	Index  domain.Index
	Packs  domain.Packs
	Events Events
	Runs   Runs
	Idle   IdlePacks
	Clock  domain.Clock
	// History is how long packs are kept after their last file has another revision
	// or is gone; 0: for ever.
	History time.Duration
	// Turn lets one of several collectors have a source for a while; nil: there is
	// no other.
	Turn   func(ctx context.Context, source domain.SourceID, d time.Duration) (bool, error)
	Logger *slog.Logger
}

// Run collects until ctx ends. What goes wrong with one source is logged.
func (c *Collector) Run(ctx context.Context) error {
	for {
		if err := c.Once(ctx); err != nil && ctx.Err() == nil {
			c.Logger.ErrorContext(ctx, "collecting packs", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.Clock.After(min(collectEvery, max(c.History, time.Hour))):
		}
	}
}

// Once looks through the packs of every source whose turn it is.
func (c *Collector) Once(ctx context.Context) error {
	for src, err := range c.Index.Candidates(ctx) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		if src.Removing { // its removal drops all
			continue
		}
		if err := c.source(ctx, src); err != nil {
			c.Logger.WarnContext(ctx, "packs stay", "source", src.ID, "err", err)
		}
	}
	return nil
}

func (c *Collector) source(ctx context.Context, src domain.Source) error {
	if c.Turn != nil {
		if ours, err := c.Turn(ctx, src.ID, min(collectEvery, max(c.History, time.Hour))); err != nil || !ours {
			return err
		}
	}
	idle, err := c.idle(ctx, src)
	if err != nil {
		return err
	}
	known, err := c.Idle.Note(ctx, src.ID, idle, c.Clock.Now())
	if err != nil {
		return err
	}
	dead, err := c.leftovers(ctx, src, known)
	for pack, k := range known {
		if k.Revisions && c.History > 0 && c.Clock.Now().Sub(k.Since) >= c.History {
			dead = append(dead, pack)
		}
	}
	for _, pack := range dead {
		if deleteErr := c.Packs.Delete(ctx, pack); deleteErr != nil {
			return errors.Join(err, deleteErr)
		}
	}
	if len(dead) > 0 {
		c.Logger.InfoContext(ctx, "packs collected", "source", src.ID, "packs", len(dead))
	}
	return err
}

// idle are the packs of runs that are over which no live file names. The rows are
// read behind src: they hold all that these runs have said, and what no live file
// names by then none will ever name again.
func (c *Collector) idle(ctx context.Context, src domain.Source) ([]string, error) {
	over := map[string]bool{}
	for info, err := range c.Packs.List(ctx, src.ID) {
		if err != nil {
			return nil, err
		}
		if run, ok := runOf(info.Name); ok && isOver(src, run) {
			over[info.Name] = true
		}
	}
	if len(over) == 0 {
		return nil, nil
	}
	for f, err := range c.Index.Live(ctx, src.ID, domain.ByPath) {
		if err != nil {
			return nil, err
		}
		if f.Content != nil {
			delete(over, f.Content.Ref.Pack)
		}
	}
	idle := make([]string, 0, len(over))
	for pack := range over {
		idle = append(idle, pack)
	}
	return idle, nil
}

// A packRun is the run that a pack is of.
type packRun struct {
	number int64
	id     domain.RunID
}

// runOf reads it from the name packs/<source>/<run>-<run id>/<n>.
func runOf(pack string) (packRun, bool) {
	parts := strings.Split(pack, "/")
	if len(parts) != 4 {
		return packRun{}, false
	}
	number, id, _ := strings.Cut(parts[2], "-")
	n, err := strconv.ParseInt(number, 10, 64)
	u, idErr := uuid.Parse(id)
	return packRun{n, domain.RunID{UUID: u}}, err == nil && idErr == nil
}

// isOver reports whether all that run may say and that counts is folded in src. A
// claim that is not folded yet has a higher number.
func isOver(src domain.Source, run packRun) bool {
	return run.number < src.Run || run.number == src.Run && !src.Counts(run.id)
}

// leftovers are the idle packs that no event which counts names. Those that one
// does are noted as older revisions.
func (c *Collector) leftovers(ctx context.Context, src domain.Source, known map[string]IdlePack) ([]string, error) {
	unknown := map[packRun][]string{}
	var numbers []int64
	for pack, k := range known {
		run, _ := runOf(pack)
		if k.Revisions {
			continue
		}
		if unknown[run] == nil {
			numbers = append(numbers, run.number)
		}
		unknown[run] = append(unknown[run], pack)
	}
	if len(unknown) == 0 {
		return nil, nil
	}
	runs, err := c.Runs.RunsOf(ctx, src.ID, numbers)
	if err != nil {
		return nil, err
	}
	counted := map[packRun]domain.Run{}
	for _, run := range runs {
		counted[packRun{run.Number, run.ID}] = run
	}
	var dead []string
	var errs []error
	for run, packs := range unknown {
		left, err := c.unnamed(ctx, src, counted[run], packs)
		dead, errs = append(dead, left...), append(errs, err)
	}
	return dead, errors.Join(errs...)
}

// unnamed are those of packs that no event of run names, which the zero run has
// none of.
func (c *Collector) unnamed(ctx context.Context, src domain.Source, run domain.Run, packs []string) ([]string, error) {
	if run.ID == (domain.RunID{}) {
		return packs, nil
	}
	if run.Ended < 0 {
		return nil, nil // the rows have moved on
	}
	named := map[string]bool{}
	for rec, err := range c.Events.Read(ctx, src.Partition, run.Started, run.Ended) {
		if err != nil {
			return nil, err
		}
		if rec.Err != nil { // it may name one
			return nil, fmt.Errorf("offset %d: %w", rec.Position.Offset, rec.Err)
		}
		if f, ok := rec.Event.(domain.FileChanged); ok && f.RunID == run.ID && f.Content != nil {
			named[f.Content.Ref.Pack] = true
		}
	}
	var left, revisions []string
	for _, pack := range packs {
		if named[pack] {
			revisions = append(revisions, pack)
		} else {
			left = append(left, pack)
		}
	}
	if len(revisions) == 0 {
		return left, nil
	}
	return left, c.Idle.NoteRevisions(ctx, src.ID, revisions)
}
