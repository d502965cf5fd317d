package pipeline

import (
	"context"
	"io"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// Contents is the reading half of domain.Packs.
type Contents interface {
	Open(ctx context.Context, c domain.ClaimCheck) (io.ReadCloser, error)
}

// Sources finds a source, of whatever owner.
type Sources func(ctx context.Context, id domain.SourceID) (domain.Source, error)

// A Dispatcher feeds one stage. All fields down to Log are required.
type Dispatcher struct {
	Stage     Stage
	Live      Feed              // what is new
	Again     Again             // what is handed on again; without a Subscriber nothing is
	Dead      message.Publisher // of dead letters
	DeadTopic string
	Reports   domain.Log // takes StageReported
	Sources   Sources
	Contents  Contents
	Clock     domain.Clock
	Log       *slog.Logger

	Patience Patience
	Parallel int            // batches asked for at once; 0: 8
	Observe  func(Observed) // is told what happens, by several at once; nil: nobody is

	line    *Line[*handovers]
	files   *files
	sources *sources
	replays *replays
	lasts   *herd[domain.FileID, projections.FilePlace]
	reports *reporter
}

// ask is Stage.Handle.
func (d *Dispatcher) ask(ctx context.Context, batch []*handovers) ([]Outcome, error) {
	if len(batch) == 1 {
		return d.Stage.Handle(ctx, batch[0][:])
	}
	all := make([]Handover, len(batch))
	for n, one := range batch {
		all[n] = one[0]
	}
	return d.Stage.Handle(ctx, all)
}

// Run hands on until ctx ends; then it waits a while for the answers that are due.
// It may be called once. An error says that a topic cannot be read any more.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.files, d.sources, d.replays = newFiles(), newSources(d.Sources, d.Clock), newReplays(d.Again.Cancelled, d.Clock)
	d.lasts = &herd[domain.FileID, projections.FilePlace]{ask: d.Again.Last}
	d.reports = &reporter{log: d.Reports}
	d.line = &Line[*handovers]{
		Name: d.Stage.Name(), Limits: d.Stage.Limits(), Size: func(one *handovers) int64 { return one[0].Size() }, Ask: d.ask, Dead: letters{d}, DeadTopic: d.DeadTopic,
		Clock: d.Clock, Log: d.Log, Patience: d.Patience, Parallel: d.Parallel, Observe: d.Observe,
	}
	return d.line.Run(ctx, d.take, d.Live, d.Again.Feed)
}
