package main

import (
	"net/http"
	"slices"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/webhook"
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
		{name: webhook.Name, make: webhookStage, single: true},
	}
}

func stageNames() []string {
	var names []string
	for _, one := range stages() {
		names = append(names, one.name)
	}
	return names
}

func webhookStage(s *service, client *http.Client) (pipeline.Stage, error) {
	if s.WebhookURL == "" {
		return nil, nil
	}
	c := pipeline.Client{URL: string(s.WebhookURL), HTTP: client, Timeout: s.DispatchTimeout}
	return webhook.New(c, string(s.WebhookSecret), s.clock)
}

// wanted tells whether STAGES has a stage.
func (c config) wanted(name string) bool {
	return len(c.Stages) == 0 || slices.Contains(c.Stages, name)
}
