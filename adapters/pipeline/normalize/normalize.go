package normalize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/sync/semaphore"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// Bounds of what is read. More than these is refused for good.
const (
	MaxText     = 8 << 20  // bytes of text, before and behind
	MaxDocument = 64 << 20 // bytes of a document, packed
	maxUnpacked = 64 << 20 // bytes of all parts of an archive
	documents   = 2        // that are taken apart at once: each may take all that is allowed
	maxLoaded   = 64 << 20 // bytes of text that are read at once
)

var (
	// ErrBinary is content without text.
	ErrBinary = errors.New("has no text")
	// ErrTooLarge is content beyond the bounds. It is final.
	ErrTooLarge = pipeline.Final(errors.New("too large to be made text of"))
)

// A Text is what a file says.
type Text struct {
	Content   string // valid UTF-8 without NUL, lines end in LF
	Language  string // Linguist's name; empty: unknown, or a document
	Extracted bool   // out of a document: Content is not what the file holds
}

// A Remote normalizes elsewhere. It is given text that is UTF-8 already.
type Remote interface {
	Process(ctx context.Context, h pipeline.Handover, text Text) (Text, error)
}

// A Normalizer makes text of files. It may be used concurrently.
type Normalizer struct {
	remote Remote // nil: all is done here
	cache  *cache
	slots  chan struct{}       // for documents
	loaded *semaphore.Weighted // for all else
}

// New makes a Normalizer. remote may be nil. It keeps so many bytes of texts in
// memory.
func New(remote Remote, keep int64) *Normalizer {
	return &Normalizer{remote: remote, cache: newCache(keep), slots: make(chan struct{}, documents), loaded: semaphore.NewWeighted(maxLoaded)}
}

// Text makes text of the content of h. domain.ErrNoContent, domain.ErrContentLost
// and ErrBinary: there is none. A final error: there never will be, as with a
// damaged document. Any other one is passing trouble.
func (n *Normalizer) Text(ctx context.Context, h pipeline.Handover) (Text, error) {
	c := h.File.Content
	if c == nil {
		return Text{}, domain.ErrNoContent
	}
	if c.Size > MaxText && h.File.Attributes["binary"] != "" && documentOf(h.File.FileState) == nil {
		return Text{}, ErrBinary // a smaller one may be UTF-16, which looks binary too
	}
	// The name decides too how content is read.
	key := c.SHA256.String() + "/" + h.File.Language + "/" + h.File.MediaType + "/" + strings.ToLower(path.Base(h.File.Path))
	return n.cache.get(ctx, key, func(ctx context.Context) (Text, error) {
		t, err := n.make(ctx, h)
		if err == nil && n.remote != nil {
			t, err = n.remote.Process(ctx, h, t)
		}
		return t, err
	})
}

func (n *Normalizer) make(ctx context.Context, h pipeline.Handover) (Text, error) {
	read := documentOf(h.File.FileState)
	if read == nil {
		size := min(h.Size(), MaxText)
		if err := n.loaded.Acquire(ctx, size); err != nil {
			return Text{}, err
		}
		defer n.loaded.Release(size)
		data, err := load(ctx, h, MaxText)
		if err != nil {
			return Text{}, err
		}
		content, err := Decode(data)
		return Text{Content: content, Language: h.File.Language}, err
	}
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-ctx.Done():
		return Text{}, ctx.Err()
	}
	data, err := load(ctx, h, MaxDocument)
	if err != nil {
		return Text{}, err
	}
	content, err := extract(ctx, read, data)
	return Text{Content: content, Extracted: true}, err
}

// load reads the content of h, which is checked while it is read.
func load(ctx context.Context, h pipeline.Handover, most int64) ([]byte, error) {
	if h.Size() > most {
		return nil, fmt.Errorf("%d bytes: %w", h.Size(), ErrTooLarge)
	}
	r, err := h.Open(ctx)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, pipeline.Own(fmt.Errorf("read content: %w", err))
	}
	return data, nil
}
