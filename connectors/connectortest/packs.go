package connectortest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

var _ domain.Packs = (*Packs)(nil)

// headBytes is how much of a content tells its language.
const headBytes = 2 << 10

// Packs are a content store in memory. Nothing is compressed there.
type Packs struct {
	journal *journal
	clock   *Clock

	mu     sync.Mutex
	packs  map[string]pack
	refuse func(name string) error
}

type pack struct {
	content   []byte
	committed time.Time
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

// List implements domain.Packs. It gives those that are there when it begins,
// sorted by name.
func (p *Packs) List(ctx context.Context, source domain.SourceID) iter.Seq2[domain.PackInfo, error] {
	return func(yield func(domain.PackInfo, error) bool) {
		for _, info := range p.of(source) {
			if err := ctx.Err(); err != nil {
				yield(domain.PackInfo{}, fmt.Errorf("list packs of %s: %w", source, err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// of gives the packs of a source, sorted by name.
func (p *Packs) of(source domain.SourceID) (infos []domain.PackInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(p.packs)) {
		if strings.HasPrefix(name, folderOf(source)) {
			is := p.packs[name]
			infos = append(infos, domain.PackInfo{Name: name, Size: int64(len(is.content)), ModTime: is.committed})
		}
	}
	return infos
}

// Delete implements domain.Packs.
func (p *Packs) Delete(_ context.Context, name string) error {
	p.Lose(name)
	return nil
}

// DropSource implements domain.Packs.
func (p *Packs) DropSource(_ context.Context, source domain.SourceID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.packs, func(name string, _ pack) bool {
		return strings.HasPrefix(name, folderOf(source))
	})
	return nil
}

// folderOf begins the names of the packs of a source.
func folderOf(source domain.SourceID) string { return "packs/" + source.String() + "/" }

func (p *Packs) holds(c domain.ClaimCheck) bool {
	_, ok := p.content(c)
	return ok
}

func (p *Packs) content(c domain.ClaimCheck) ([]byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	in, ok := p.packs[c.Ref.Pack]
	end := c.Ref.Offset + c.Ref.Length
	if !ok || c.Ref.Offset < 0 || c.Ref.Length < 0 || end > int64(len(in.content)) {
		return nil, false
	}
	content := in.content[c.Ref.Offset:end]
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
		p.packs = map[string]pack{}
	}
	p.packs[name] = pack{content: content, committed: p.clock.Now()}
	p.journal.add(Step{Pack: name})
	return nil
}
