package blob

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// window is how far back a frame refers. It bounds the memory of an encoder and
// of a decoder to about twice as much; source files are smaller.
const window = 1 << 20

// smallItem is the most bytes of an item that is compressed as a whole: that
// copies less than a stream.
const smallItem = 64 << 10

// tinyItem is the most bytes of an item whose literals stay as they are. Coding
// them takes a third to a half of the time and saves a quarter, of items that are
// two thirds of the files of a source tree and a twelfth of its bytes.
const tinyItem = 4 << 10

// codecs keeps encoders and decoders: making one costs more than a small item.
// Encoders that failed are not given back.
type codecs struct{ encoders, decoders, presses, scraps sync.Pool }

// A press compresses one small item at a time.
type press struct {
	enc, tiny *zstd.Encoder
	in        []byte
}

func (c *codecs) press() (*press, error) {
	if p, ok := c.presses.Get().(*press); ok {
		return p, nil
	}
	enc, err := newEncoder(nil)
	if err != nil {
		return nil, err
	}
	tiny, err := newEncoder(nil, zstd.WithNoEntropyCompression(true))
	return &press{enc: enc, tiny: tiny, in: make([]byte, smallItem)}, err
}

// append appends the frame of content to b.
func (p *press) append(b, content []byte) []byte {
	if len(content) <= tinyItem {
		return p.tiny.EncodeAll(content, b)
	}
	return p.enc.EncodeAll(content, b)
}

func (c *codecs) putPress(p *press) { c.presses.Put(p) }

// A scrap is memory of a small item, which the next one uses again.
type scrap struct{ bytes []byte }

func (c *codecs) scrap() *scrap {
	if s, ok := c.scraps.Get().(*scrap); ok {
		return s
	}
	return &scrap{}
}

func (c *codecs) putScrap(s *scrap) { c.scraps.Put(s) }

// encoder works on the goroutine of its caller. An empty item is a frame, too.
func (c *codecs) encoder(w io.Writer) (*zstd.Encoder, error) {
	if e, ok := c.encoders.Get().(*zstd.Encoder); ok {
		e.Reset(w)
		return e, nil
	}
	return newEncoder(w)
}

func newEncoder(w io.Writer, more ...zstd.EOption) (*zstd.Encoder, error) {
	return zstd.NewWriter(w, append(more, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(window), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))...) // the digest tells damage
}

func (c *codecs) putEncoder(e *zstd.Encoder) {
	e.Reset(nil) // holds on to nothing
	c.encoders.Put(e)
}

// decoder works on the goroutine of its caller. A window larger than ours is
// damage.
func (c *codecs) decoder(r io.Reader) (*zstd.Decoder, error) {
	if d, ok := c.decoders.Get().(*zstd.Decoder); ok {
		return d, d.Reset(r)
	}
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
}

func (c *codecs) putDecoder(d *zstd.Decoder) {
	if d.Reset(nil) == nil { // holds on to nothing
		c.decoders.Put(d)
	}
}
