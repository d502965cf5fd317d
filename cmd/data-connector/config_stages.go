package main

import (
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/confuse/data-connector/adapters/pipeline/webhook"
)

// noStages in STAGES switches all of them off.
const noStages = "none"

func (c config) checkStages(k *checks) {
	names := append(stageNames(), noStages)
	for _, name := range c.Stages {
		k.want(slices.Contains(names, name), "STAGES", name)
	}
	k.want(1 <= c.DispatchLanes && c.DispatchLanes <= 10_000, "DISPATCH_LANES", c.DispatchLanes)
	k.want(1 <= c.DispatchWindow && c.DispatchWindow <= 1_000_000, "DISPATCH_WINDOW", c.DispatchWindow)
	k.want(c.DispatchTimeout > 0, "DISPATCH_TIMEOUT", c.DispatchTimeout)
	k.want(c.DispatchBackoff > 0, "DISPATCH_BACKOFF", c.DispatchBackoff)
	k.want(c.DispatchMaxWait >= c.DispatchBackoff, "DISPATCH_MAX_BACKOFF", c.DispatchMaxWait)
	k.want(c.BreakerFailures > 0, "DISPATCH_BREAKER_FAILURES", c.BreakerFailures)
	k.want(c.FilesStateCheck >= time.Second, "FILES_STATE_CHECK", c.FilesStateCheck)
	k.want(c.BreakerOpen > 0, "DISPATCH_BREAKER_OPEN", c.BreakerOpen)
	for name, a := range map[string]address{"CODE_NORMALIZE_FETCH_URL": c.NormalizeURL, "CHUNKER_URL": c.ChunkerURL, "RELATION_GRAPH_URL": c.GraphURL, "EMBEDDINGS_URL": c.EmbeddingsURL} {
		k.want(a == "" || isHTTP(a), name, a)
	}
	if c.EmbedListen != "" {
		_, _, err := net.SplitHostPort(c.EmbedListen)
		k.want(err == nil && c.EmbeddingsURL != "" && c.GraphURL != "", "EMBED_LISTEN", c.EmbedListen)
	}
	k.want(c.WebhookURL == "" || isHTTP(c.WebhookURL), "WEBHOOK_STAGE_URL", c.WebhookURL)
	if c.WebhookURL != "" || c.WebhookSecret != "" {
		_, err := webhook.Key(string(c.WebhookSecret))
		k.want(err == nil, "WEBHOOK_STAGE_SECRET", c.WebhookSecret)
	}
}

func isHTTP(a address) bool {
	u, err := url.Parse(string(a))
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
