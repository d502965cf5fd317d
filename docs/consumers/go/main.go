// Command go follows the files of a source on the topic of last states: go run .
// SERVERS TOPIC SOURCE. It prints each file as it is, then each change, as JSON
// lines of id, path and revision; of a removed file the id alone.
package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

func main() {
	servers, topic, source := strings.Split(os.Args[1], ","), os.Args[2], os.Args[3]
	client, err := kgo.NewClient(kgo.SeedBrokers(servers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	files, out := map[string]domain.FileChanged{}, json.NewEncoder(os.Stdout)
	for err == nil {
		for r := range client.PollFetches(context.Background()).RecordsAll() {
			id := string(r.Key)
			event, _ := wire.Decode(wire.Headers(r.Headers), r.Value) // nil: the file is removed
			if e, ok := event.(domain.FileChanged); ok && e.SourceID.String() == source {
				files[id] = e
				err = out.Encode(map[string]string{"id": id, "path": e.Path, "revision": e.Revision})
			} else if _, ours := files[id]; ours && r.Value == nil {
				delete(files, id)
				err = out.Encode(map[string]string{"id": id})
			}
		}
	}
	panic(err)
}
