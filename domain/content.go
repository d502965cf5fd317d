package domain

import (
	"context"
	"io"
	"iter"
	"time"
)

// A ClaimCheck stands for bytes in the content store.
type ClaimCheck struct {
	SHA256 Digest  `json:"sha256"` // of the bytes as the provider gave them, 64 lower-case hex digits
	Size   int64   `json:"size"`   // bytes, uncompressed
	Ref    PackRef `json:"ref"`    // where they lie
}

// A PackRef says where in the content store one item lies.
type PackRef struct {
	Pack   string `json:"pack"`   // name of the pack: packs/<source>/<run>-<run_id>/<n>
	Offset int64  `json:"offset"` // bytes
	Length int64  `json:"length"` // bytes, compressed (one zstd frame)
}

// Packs is the content store. A pack holds the content of one page. It may be
// used concurrently.
type Packs interface {
	// Create begins the pack name. Nothing of it can be seen before Commit.
	Create(ctx context.Context, name string) (PackWriter, error)
	// Open gives the bytes of c, uncompressed. Reading the end returns
	// ErrContentLost, instead of io.EOF, when digest or size are not those of c.
	// A pack that is missing is ErrContentLost at once.
	Open(ctx context.Context, c ClaimCheck) (io.ReadCloser, error)
	// List gives the committed packs of a source, in any order. A pack that comes or
	// goes meanwhile may be among them. An error ends the list, which is incomplete
	// then.
	List(ctx context.Context, source SourceID) iter.Seq2[PackInfo, error]
	// Delete deletes one committed pack. Deleting what is missing is harmless.
	Delete(ctx context.Context, name string) error
	// DropSource deletes every pack of a source. Calling it again is harmless.
	DropSource(ctx context.Context, source SourceID) error
}

// A PackInfo is a committed pack as [Packs].List finds it.
type PackInfo struct {
	Name    string    // packs/<source>/<run>-<run_id>/<n>
	Size    int64     // bytes
	ModTime time.Time // when it was committed, by the clock of the store
}

// A PackWriter writes one pack. Stage may run concurrently, the rest may not.
type PackWriter interface {
	// Stage reads r to its end, which may be spilled to disk, and compresses it. It
	// is not in the pack yet.
	Stage(ctx context.Context, r io.Reader) (Staged, error)
	// Keep puts s into the pack. s must not be used any more.
	Keep(s Staged) (ClaimCheck, error)
	// Commit makes the pack durable (I1): when it returns nil, every ClaimCheck
	// given may go to the log. A pack in which nothing was kept leaves nothing.
	Commit(ctx context.Context) error
	// Discard gives the pack up. After Commit it does nothing.
	Discard() error
}

// A Staged is content that was read but does not lie in a pack yet.
type Staged interface {
	Digest() Digest
	Size() int64  // bytes, uncompressed
	Head() []byte // the first 2 KiB or less, to tell language and binary; not to be used after Keep or Drop
	Drop()        // frees it; after Keep it does nothing
}
