package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain/wire"
)

// headers makes the headers of many records, in memory that they share.
type headers struct {
	names []kgo.RecordHeader
	texts []byte
}

// maxTexts is the most that is set aside for texts at once.
const maxTexts = 1 << 20

// of are own as the client takes them. more is how many records are to come, with
// this one.
func (h *headers) of(own []wire.Header, more int) []kgo.RecordHeader {
	if cap(h.names)-len(h.names) < len(own) {
		h.names = make([]kgo.RecordHeader, 0, len(own)*more)
	}
	if size := headerBytes(own); cap(h.texts)-len(h.texts) < size {
		h.texts = make([]byte, 0, max(size, min(size*more, maxTexts)))
	}
	first := len(h.names)
	for _, header := range own {
		from := len(h.texts)
		h.texts = append(h.texts, header.Value...)
		h.names = append(h.names, kgo.RecordHeader{Key: header.Key, Value: h.texts[from:len(h.texts):len(h.texts)]})
	}
	return h.names[first:len(h.names):len(h.names)]
}

// headerBytes is what headers take, in bytes.
func headerBytes(own []wire.Header) int {
	size := 0
	for _, h := range own {
		size += len(h.Key) + len(h.Value)
	}
	return size
}
