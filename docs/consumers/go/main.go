// Command go reads what the log holds and prints the live files of a source as
// JSON lines of path and revision, in the order of their paths: go run . SERVERS
// TOPIC SOURCE. The fold is that of the service.
package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

func main() {
	servers, topic, source := strings.Split(os.Args[1], ","), os.Args[2], os.Args[3]
	client := must(kgo.NewClient(kgo.SeedBrokers(servers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())))
	left := int64(0)
	must(kadm.NewClient(client).ListEndOffsets(context.Background(), topic)).Each(func(o kadm.ListedOffset) { left += o.Offset })
	state, files := domain.Source{}, map[domain.FileID]domain.FileChanged{}
	for left > 0 {
		client.PollFetches(context.Background()).EachRecord(func(r *kgo.Record) {
			left--
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			if id, _ := wire.SourceOf(headers); id.String() != source {
				return
			}
			switch e := must(wire.Decode(headers, r.Value)).(type) {
			case domain.SourceChanged:
				state, _ = state.Apply(e, r.Offset)
			case domain.FileChanged:
				if state.Counts(e.RunID) && files[e.FileID].Revised().Before(e.Revised()) {
					files[e.FileID] = e
				}
			}
		})
	}
	var live []map[string]string
	for _, f := range files {
		if f.Change != domain.FileRemoved {
			live = append(live, map[string]string{"path": f.Path, "revision": f.Revision})
		}
	}
	slices.SortFunc(live, func(a, b map[string]string) int { return strings.Compare(a["path"], b["path"]) })
	for _, f := range live {
		must("", json.NewEncoder(os.Stdout).Encode(f))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
