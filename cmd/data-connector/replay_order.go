package main

import (
	"github.com/spf13/cobra"
)

// A replayOrder is what "replay start" is given.
type replayOrder struct {
	sources, kinds, languages, stages []string
	glob, since, from, to             string
	mode, topic                       string
	rate                              int
	dry                               bool
}

func (o *replayOrder) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.sources, "source", nil, "only of the source with this id; may be given more than once")
	f.StringVar(&o.glob, "glob", "", "only of paths like this: docs/**/*.md")
	f.StringSliceVar(&o.kinds, "kind", nil, "only of this kind: file, document, issue, ...")
	f.StringSliceVar(&o.languages, "language", nil, "only of this language")
	f.StringVar(&o.since, "changed-since", "", "only what happened at this time (RFC 3339) or later")
	f.StringVar(&o.from, "from", "", "only what came to stand on the log at this time or later")
	f.StringVar(&o.to, "to", "", "only what came to stand on the log before this time")
	f.StringVar(&o.mode, "mode", "latest", "latest: the last state of each live file; history: all states")
	f.StringSliceVar(&o.stages, "stage", nil, "stages that get it; unset: all")
	f.StringVar(&o.topic, "topic", "", "instead of stages: a Kafka topic")
	f.IntVar(&o.rate, "rate", 0, "events in a second at most; 0: no limit")
	f.BoolVar(&o.dry, "dry-run", false, "only count")
}

func (o *replayOrder) body() map[string]any {
	selector := map[string]any{}
	for name, list := range map[string][]string{"sources": o.sources, "kinds": o.kinds, "languages": o.languages} {
		if len(list) > 0 {
			selector[name] = list
		}
	}
	for name, text := range map[string]string{"pathGlob": o.glob, "changedSince": o.since, "from": o.from, "to": o.to} {
		if text != "" {
			selector[name] = text
		}
	}
	body := map[string]any{"selector": selector, "mode": o.mode, "ratePerSecond": o.rate, "dryRun": o.dry}
	if len(o.stages) > 0 {
		body["stages"] = o.stages
	}
	if o.topic != "" {
		body["topic"] = o.topic
	}
	return body
}
