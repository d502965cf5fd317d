package httpapi

import (
	"slices"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain/replay"
)

type replayOutput struct{ Body replayReply }

type replayReply struct {
	ID          string          `json:"id" doc:"In the header ce_replay of what is handed out."`
	Status      string          `json:"status" enum:"running,paused,cancelled,completed,failed" doc:"running: or waiting for a dispatcher. completed: the stages have done with all of it."`
	Mode        string          `json:"mode"`
	Selector    replayAsked     `json:"selector"`
	Stages      []string        `json:"stages,omitempty"`
	Topic       string          `json:"topic,omitempty"`
	Rate        int             `json:"ratePerSecond,omitempty"`
	DryRun      bool            `json:"dryRun,omitempty"`
	Progress    float64         `json:"progress" doc:"Share of the log that was looked at, 0 to 1."`
	Matched     int64           `json:"matched" doc:"Events that were selected."`
	Sent        int64           `json:"sent" doc:"Events that were handed out, as often as stages were named."`
	Bytes       int64           `json:"bytes" doc:"Of the content of what was selected, uncompressed."`
	ContentGone int64           `json:"contentGone" doc:"Selected events whose content was collected: stages report them as skipped, content_gone."`
	PerSecond   float64         `json:"perSecond" doc:"Events selected in a second so far."`
	Seconds     float64         `json:"durationSeconds" doc:"How long it has run; of a dry run, how long the replay would take at least."`
	Left        float64         `json:"secondsLeft,omitempty" doc:"If it goes on like this."`
	Sources     []replaySource  `json:"sources" nullable:"false" doc:"What was selected, by source."`
	Samples     []replaySample  `json:"samples,omitempty" doc:"The first ten."`
	Outcomes    []replayOutcome `json:"outcomes,omitempty" doc:"What stages made of it. Only of one replay."`
	Error       string          `json:"error,omitempty" doc:"Why it failed, or what it waits for to pass."`
	CreatedAt   time.Time       `json:"createdAt"`
	StartedAt   time.Time       `json:"startedAt,omitzero"`
	EndedAt     time.Time       `json:"endedAt,omitzero"`
}

// A replayAsked is a selector as it was ordered, but for the sources.
type replayAsked struct {
	Sources      int       `json:"sources" doc:"How many are meant."`
	PathGlob     string    `json:"pathGlob,omitempty"`
	Kinds        []string  `json:"kinds,omitempty"`
	Languages    []string  `json:"languages,omitempty"`
	ChangedSince time.Time `json:"changedSince,omitzero"`
	From         time.Time `json:"from,omitzero"`
	To           time.Time `json:"to,omitzero"`
}

type replaySource struct {
	SourceID string `json:"sourceId"`
	Events   int64  `json:"events"`
	Bytes    int64  `json:"bytes"`
}

type replaySample struct {
	SourceID string `json:"sourceId"`
	FileID   string `json:"fileId"`
	Path     string `json:"path"`
	Change   string `json:"change"`
	Run      int64  `json:"run"`
	Seq      int64  `json:"seq"`
}

type replayOutcome struct {
	Stage  string `json:"stage"`
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	Files  int64  `json:"files"`
}

func newReplayReply(r replay.Replay) replayReply {
	p := r.Progress
	reply := replayReply{
		ID: r.ID.String(), Status: string(r.Status), Mode: string(r.Mode), Selector: asked(r.Selector), Stages: r.Stages, Topic: r.Topic,
		Rate: r.Rate, DryRun: r.Dry, Progress: p.Scanned(), Matched: p.Matched, Sent: p.Sent, Bytes: p.Bytes, ContentGone: p.ContentGone,
		PerSecond: p.PerSecond(), Seconds: p.Busy.Seconds(), Left: r.Left().Seconds(), Sources: []replaySource{},
		Error: r.Error, CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, EndedAt: r.EndedAt,
	}
	if r.Dry {
		reply.Seconds = r.Estimate().Seconds()
	}
	for id, c := range p.Sources {
		reply.Sources = append(reply.Sources, replaySource{id.String(), c.Events, c.Bytes})
	}
	slices.SortFunc(reply.Sources, func(a, b replaySource) int { return strings.Compare(a.SourceID, b.SourceID) })
	for _, x := range p.Samples {
		reply.Samples = append(reply.Samples, replaySample{x.Source.String(), x.File.String(), x.Path, string(x.Change), x.At.Run, x.At.Seq})
	}
	return reply
}

func asked(s replay.Selector) replayAsked {
	a := replayAsked{
		Sources: len(s.Sources), PathGlob: s.PathGlob, Languages: s.Languages, ChangedSince: s.ChangedSince, From: s.From, To: s.To,
	}
	for _, k := range s.Kinds {
		a.Kinds = append(a.Kinds, string(k))
	}
	return a
}
