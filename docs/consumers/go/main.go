// Command go reads what the log holds and prints the live files of a source as
// JSON lines of path and digest, in the order of their paths. It follows the fold
// rule of docs/integration.md.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

func main() {
	servers, topic, source := os.Args[1], os.Args[2], os.Args[3]
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		panic(err)
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(context.Background(), topic)
	if err != nil {
		panic(err)
	}
	var left int64
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	state, files := domain.Source{}, map[domain.FileID]domain.FileChanged{}
	for left > 0 {
		client.PollFetches(context.Background()).EachRecord(func(r *kgo.Record) {
			left--
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			event, err := wire.Decode(headers, r.Value)
			if id, _ := wire.SourceOf(headers); err != nil || id.String() != source {
				return
			}
			switch e := event.(type) {
			case domain.SourceChanged:
				state, _ = state.Apply(e, r.Offset)
			case domain.FileChanged:
				if old, seen := files[e.FileID]; state.Counts(e.RunID) && (!seen || old.Revised().Before(e.Revised())) {
					files[e.FileID] = e
				}
			}
		})
	}
	var lines []string
	for _, f := range files {
		if f.Change != domain.FileRemoved && !state.Removed {
			lines = append(lines, fmt.Sprintf(`{"path":%q,"revision":%q}`, f.Path, f.Revision))
		}
	}
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n")) //nolint:forbidigo // a program
}
