// Command events reads the events topic to its end and prints the live files of a
// source as JSON lines of path and revision, in the order of their paths: go run
// ./events SERVERS TOPIC SOURCE. What counts is told by the fold of the service.
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
	ends := must(kadm.NewClient(client).ListEndOffsets(context.Background(), topic))
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	fold, files := wire.Fold{}, map[domain.FileID]domain.FileChanged{}
	for left > 0 {
		for r := range client.PollFetches(context.Background()).RecordsAll() {
			left--
			e, counts, err := fold.Next(wire.Headers(r.Headers), r.Value, r.Offset)
			if must(counts, err) && e.SourceID.String() == source && files[e.FileID].Revised().Before(e.Revised()) {
				files[e.FileID] = e
			}
		}
	}
	var live []domain.FileChanged
	for _, f := range files {
		if f.Change != domain.FileRemoved {
			live = append(live, f)
		}
	}
	slices.SortFunc(live, func(a, b domain.FileChanged) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range live {
		must(0, json.NewEncoder(os.Stdout).Encode(map[string]string{"path": f.Path, "revision": f.Revision}))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
