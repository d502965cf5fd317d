package blob

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/confuse/data-connector/domain"
)

// A driver is where packs lie. All that a store promises above it is written
// once. Names are checked before they come here.
type driver interface {
	// create begins the pack name. Nobody sees it before its commit.
	create(name string) (object, error)
	// open gives length bytes of a pack from offset on; both are positive or zero.
	// It returns fs.ErrNotExist for a pack that is missing and errShort for one
	// that ends before them.
	open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	// list gives what begins with prefix, which ends with a slash; also what is not
	// a pack.
	list(ctx context.Context, prefix string) iter.Seq2[domain.PackInfo, error]
	// delete deletes a pack. One that is missing is no error.
	delete(ctx context.Context, name string) error
	// check returns an error when the place as a whole cannot be used.
	check(ctx context.Context) error
	close() error
}

// A tidier is a driver that leaves more than packs behind.
type tidier interface {
	// drop deletes all of a source.
	drop(ctx context.Context, source domain.SourceID) error
	// sweep deletes what killed processes have left and counts it.
	sweep(ctx context.Context) (int, error)
}

// An object is a pack that is being written.
type object interface {
	io.Writer
	// commit makes it durable, then visible (I1). It is called once at most.
	commit(ctx context.Context) error
	// discard frees what commit has not used up. It is called once, also after a
	// commit that failed.
	discard() error
}

// errShort is a pack that ends before its item does.
var errShort = errors.New("pack ends before the item")
