package blob_test

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/confuse/data-connector/domain"
)

const (
	bigItem  = 70 << 20
	heapMost = 20 << 20 // codec, buffers and 4 MiB of the item
)

// It is not parallel: no other test may allocate while it looks at the heap.
func TestBigItemStreams(t *testing.T) {
	s := open(t, t.TempDir())
	h, digest := newHeap(), sha256.New()
	w := create(t, s, name(0))
	st, err := w.Stage(t.Context(), io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), bigItem), io.MultiWriter(digest, h)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Keep(st)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, w)
	h.look()

	r, err := s.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	again := sha256.New()
	if _, err := io.Copy(io.MultiWriter(again, h), r); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if got, want := domain.Digest(again.Sum(nil)), domain.Digest(digest.Sum(nil)); got != want || c.SHA256 != want || c.Size != bigItem {
		t.Errorf("got digest %v and check %+v, want digest %v and size %d", got, c, want, bigItem)
	}
	if h.most > heapMost {
		t.Errorf("got %d MiB of heap for an item of %d MiB, want at most %d", h.most>>20, bigItem>>20, heapMost>>20)
	}
}

// A heap looks how much is alive each 8 MiB that are written to it.
type heap struct {
	before uint64
	since  int
	most   int64
}

func newHeap() *heap {
	h := &heap{}
	h.before = alive()
	return h
}

func alive() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (h *heap) Write(p []byte) (int, error) {
	if h.since += len(p); h.since >= 8<<20 {
		h.since = 0
		h.look()
	}
	return len(p), nil
}

func (h *heap) look() { h.most = max(h.most, int64(alive())-int64(h.before)) }

const small = 4 << 10 // bytes, about the median of a source file

// BenchmarkPack makes 1,000 small items durable as a page does.
func BenchmarkPack(b *testing.B) {
	s, content, n := open(b, b.TempDir()), text(small), 0
	b.SetBytes(1000 * small)
	for b.Loop() {
		w := create(b, s, name(n))
		for range 1000 {
			keep(b, w, content)
		}
		commit(b, w)
		n++
	}
}

// BenchmarkFiles makes them durable one by one, which is what a pack saves.
func BenchmarkFiles(b *testing.B) {
	dir, content := b.TempDir(), text(small)
	b.SetBytes(1000 * small)
	for b.Loop() {
		for range 1000 {
			f, err := os.CreateTemp(dir, "")
			if err != nil {
				b.Fatal(err)
			}
			_, werr := f.Write(content)
			serr, cerr := f.Sync(), f.Close()
			if werr != nil || serr != nil || cerr != nil {
				b.Fatal(werr, serr, cerr)
			}
		}
	}
}

// BenchmarkPlain writes the same bytes as one plain file and syncs it: the least
// that a durable page can cost.
func BenchmarkPlain(b *testing.B) {
	dir, content := b.TempDir(), text(1000*small)
	b.SetBytes(1000 * small)
	for b.Loop() {
		f, err := os.Create(filepath.Join(dir, "plain"))
		if err != nil {
			b.Fatal(err)
		}
		_, werr := f.Write(content)
		serr, cerr := f.Sync(), f.Close()
		if werr != nil || serr != nil || cerr != nil {
			b.Fatal(werr, serr, cerr)
		}
	}
}

// BenchmarkOpen reads one small item.
func BenchmarkOpen(b *testing.B) {
	s := open(b, b.TempDir())
	w := create(b, s, name(0))
	c := keep(b, w, text(small))
	commit(b, w)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := read(b.Context(), s, c); err != nil {
			b.Fatal(err)
		}
	}
}
