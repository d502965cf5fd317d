package main

import (
	"net/http"
	"slices"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/chunk"
	"github.com/confuse/data-connector/adapters/pipeline/embed"
	"github.com/confuse/data-connector/adapters/pipeline/graph"
	"github.com/confuse/data-connector/adapters/pipeline/normalize"
	"github.com/confuse/data-connector/adapters/pipeline/webhook"
	"github.com/confuse/data-connector/adapters/postgres"
)

// A stageOf makes one stage from the settings. It gives nil when the stage is not
// set up.
type stageOf struct {
	name string
	make func(s *service, client *http.Client) (pipeline.Stage, error)
	// single says that the stage takes no batches: as many are asked for at once as
	// there are lanes.
	single bool
}

// stages is the one list of all that there are.
func stages() []stageOf {
	return []stageOf{
		{name: normalize.Name, make: normalizeStage, single: true},
		{name: chunk.Name, make: chunkStage},
		{name: graph.Name, make: graphStage, single: true},
		{name: webhook.Name, make: webhookStage, single: true},
	}
}

func stageNames() []string {
	var names []string
	names = append(names, embed.Name)
	for _, one := range stages() {
		names = append(names, one.name)
	}
	return names
}

// normalizeStage runs where somebody else makes the texts, or where it is asked
// for: the other stages make them by themselves.
func normalizeStage(s *service, _ *http.Client) (pipeline.Stage, error) {
	if s.NormalizeURL == "" && !slices.Contains(s.Stages, normalize.Name) {
		return nil, nil
	}
	return normalize.NewStage(s.texts()), nil
}

func chunkStage(s *service, client *http.Client) (pipeline.Stage, error) {
	if s.ChunkerURL == "" {
		return nil, nil
	}
	return chunk.New(s.neighbour(s.ChunkerURL, client), s.texts(), postgres.NewHanded(s.db)), nil
}

func graphStage(s *service, client *http.Client) (pipeline.Stage, error) {
	if s.GraphURL == "" {
		return nil, nil
	}
	return graph.New(s.neighbour(s.GraphURL, client), postgres.NewHanded(s.db)), nil
}

// neighbour is the client of one.
func (s *service) neighbour(a address, client *http.Client) pipeline.Client {
	return pipeline.Client{URL: string(a), HTTP: client, Timeout: s.DispatchTimeout}
}

func webhookStage(s *service, client *http.Client) (pipeline.Stage, error) {
	if s.WebhookURL == "" {
		return nil, nil
	}
	return webhook.New(s.neighbour(s.WebhookURL, client), string(s.WebhookSecret), s.clock)
}

// wanted tells whether STAGES has a stage.
func (c config) wanted(name string) bool {
	return len(c.Stages) == 0 || slices.Contains(c.Stages, name)
}

// keptTexts is how many bytes of normalized text a process keeps in memory.
const keptTexts = 32 << 20

// texts makes text of files: one for all stages, so that each is made once.
func (s *service) texts() *normalize.Normalizer {
	if s.normalizer == nil {
		var remote normalize.Remote
		if s.NormalizeURL != "" {
			remote = &normalize.Process{Client: s.neighbour(s.NormalizeURL, pipeline.HTTPClient(s.DispatchLanes))}
		}
		s.normalizer = normalize.New(remote, keptTexts)
	}
	return s.normalizer
}
