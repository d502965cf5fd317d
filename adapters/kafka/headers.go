package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain/wire"
)

// headers makes the headers of many records, in memory that they share.
type headers struct{ all []kgo.RecordHeader }

// of are own as the client takes them, with the same texts. more is how many records
// are to come, with this one.
func (h *headers) of(own []wire.Header, more int) []kgo.RecordHeader {
	if cap(h.all)-len(h.all) < len(own) {
		h.all = make([]kgo.RecordHeader, 0, len(own)*more)
	}
	first := len(h.all)
	for _, header := range own {
		h.all = append(h.all, kgo.RecordHeader(header))
	}
	return h.all[first:len(h.all):len(h.all)]
}

// headerBytes is what headers take, in bytes.
func headerBytes(own []wire.Header) int {
	size := 0
	for _, h := range own {
		size += len(h.Key) + len(h.Value)
	}
	return size
}
