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

// tinyItem is the most bytes of an item that is not compressed. Compressing takes
// longer than all else that is done with the content of so small an item, and saves
// little: in a large source tree such items are two thirds of the files and a twelfth of
// the bytes.
const tinyItem = 4 << 10

// codecs keeps encoders and decoders: making one costs more than a small item.
// Encoders that failed are not given back.
type codecs struct{ encoders, decoders, presses, scraps sync.Pool }

// A press compresses one small item at a time.
type press struct {
	enc *zstd.Encoder
	in  []byte
}

func (c *codecs) press() (*press, error) {
	if p, ok := c.presses.Get().(*press); ok {
		return p, nil
	}
	enc, err := newEncoder(nil)
	return &press{enc: enc, in: make([]byte, smallItem)}, err
}

// append appends the frame of content to b.
func (p *press) append(b, content []byte) ([]byte, error) {
	if len(content) <= tinyItem {
		return appendRaw(b, content)
	}
	return p.enc.EncodeAll(content, b), nil
}

// appendRaw appends the frame that holds content as it is: a header and one block
// (RFC 8878, 3.1.1.1 and 3.1.1.2).
func appendRaw(b, content []byte) ([]byte, error) {
	header := zstd.Header{SingleSegment: true, HasFCS: true, FrameContentSize: uint64(len(content))}
	b, err := header.AppendTo(b)
	if err != nil {
		return nil, err
	}
	const last = 1 // and type 0: raw
	block := uint32(len(content))<<3 | last
	b = append(b, byte(block), byte(block>>8), byte(block>>16))
	return append(b, content...), nil
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

func newEncoder(w io.Writer) (*zstd.Encoder, error) {
	return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(window), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false)) // the digest tells damage
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
