package connectortest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/confuse/data-connector/domain"
)

var _ domain.Packs = (*Packs)(nil)

// headBytes is how much of a content tells its language.
const headBytes = 2 << 10

// Packs are a content store in memory. Nothing is compressed there.
type Packs struct {
	journal *journal

	mu     sync.Mutex
	packs  map[string][]byte
	refuse func(name string) error
}

// Refuse asks f before each commit; its error is the answer and the pack is not
// stored. nil: none is refused.
func (p *Packs) Refuse(f func(name string) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = f
}

// Names are the committed packs, sorted.
func (p *Packs) Names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.packs))
}

// Lose deletes one pack, as a careless operator would.
func (p *Packs) Lose(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.packs, name)
}

// Create implements domain.Packs.
func (p *Packs) Create(_ context.Context, name string) (domain.PackWriter, error) {
	return &packWriter{packs: p, name: name}, nil
}

// Open implements domain.Packs. It compares the digest at once.
func (p *Packs) Open(_ context.Context, c domain.ClaimCheck) (io.ReadCloser, error) {
	content, ok := p.content(c)
	if !ok {
		return nil, fmt.Errorf("open %s: %w", c.Ref.Pack, domain.ErrContentLost)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// DropSource implements domain.Packs.
func (p *Packs) DropSource(_ context.Context, source domain.SourceID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.packs, func(name string, _ []byte) bool {
		return strings.HasPrefix(name, "packs/"+source.String()+"/")
	})
	return nil
}

func (p *Packs) holds(c domain.ClaimCheck) bool {
	_, ok := p.content(c)
	return ok
}

func (p *Packs) content(c domain.ClaimCheck) ([]byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pack, end := p.packs[c.Ref.Pack], c.Ref.Offset+c.Ref.Length
	if c.Ref.Offset < 0 || c.Ref.Length < 0 || end > int64(len(pack)) || p.packs[c.Ref.Pack] == nil {
		return nil, false
	}
	content := pack[c.Ref.Offset:end]
	return content, sha256.Sum256(content) == c.SHA256 && int64(len(content)) == c.Size
}

// commit stores a pack. A name that was stored before is refused: a pack that an
// event names never changes.
func (p *Packs) commit(name string, content []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		if err := p.refuse(name); err != nil {
			return err
		}
	}
	if _, ok := p.packs[name]; ok {
		return fmt.Errorf("commit %s: it is there already", name)
	}
	if p.packs == nil {
		p.packs = map[string][]byte{}
	}
	p.packs[name] = content
	p.journal.add(Step{Pack: name})
	return nil
}
