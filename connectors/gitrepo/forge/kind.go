package forge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A Kind is one kind of items, read through the API.
type Kind interface {
	// Name is the stage of a listing and the key in a cursor.
	Name() string
	// Folder is where its items lie: "@issues/".
	Folder() string
	// All gives every item, page by page, each with the position behind it; empty:
	// the end. after is such a position, empty: from the start. It returns nil only
	// when the end is proven.
	All(ctx context.Context, after string, take func([]domain.Item, string) error) error
	// Mark is the newest that there is, in one conditional call where that does.
	Mark(ctx context.Context) (Mark, error)
	// Since gives what changed since m, and more. An item without a version is
	// gone. ErrCursorReset: something was deleted that only a comparison finds.
	Since(ctx context.Context, m Mark, take func([]domain.Item) error) error
	// Read gives the present content of an item and its version. name is what
	// [PathOf] was given. ErrGone: there is no such item.
	Read(ctx context.Context, name string) (text, version string, err error)
}

// A Mark is how far a feed of one kind came. Times are the provider's, not ours.
type Mark struct {
	Since time.Time `json:"since,omitzero"` // the latest change that was seen
	Seen  string    `json:"seen,omitempty"` // digest of the newest items: another one means news
	Count int       `json:"count,omitempty"`
}

// Overlap is how far a feed reaches back behind its position: lists lag behind
// writes, and times may be whole seconds.
const Overlap = 2 * time.Minute

// From is where a feed that came to m begins to read; zero: at the start.
func (m Mark) From() time.Time {
	if m.Since.IsZero() {
		return m.Since
	}
	return m.Since.Add(-Overlap)
}

// PathOf is where an item lies whose name never changes.
func PathOf(folder, name string) []byte { return []byte(folder + url.PathEscape(name) + ".md") }

// Numbered is PathOf for an item with a number.
func Numbered(folder string, n int64) []byte { return PathOf(folder, strconv.FormatInt(n, 10)) }

// Number is the number that [Numbered] was given. ErrGone: there is no such item.
func Number(name string) (int64, error) {
	n, err := strconv.ParseInt(name, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("forge: an item that is no number: %w", domain.ErrGone)
	}
	return n, nil
}

// VersionOf is the name of a version: everything that the lists tell of a change.
func VersionOf(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		if t, ok := p.(time.Time); ok {
			p = t.UTC().Format(time.RFC3339Nano)
		}
		_, _ = fmt.Fprintf(h, "%q\n", fmt.Sprint(p)) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// SeenOf is the digest of a page of items.
func SeenOf(items []domain.Item) string {
	parts := make([]any, 0, 2*len(items))
	for _, i := range items {
		parts = append(parts, string(i.Path), i.Version)
	}
	return VersionOf(parts...)
}

// Latest is the time of the newest item.
func Latest(items []domain.Item) time.Time {
	var t time.Time
	for _, i := range items {
		if i.Modified.After(t) {
			t = i.Modified
		}
	}
	return t
}

// Attributes makes a map of pairs and drops what is empty.
func Attributes(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}

// Yes is a flag among attributes.
func Yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// Stamp is a time in an attribute and in Markdown; empty for zero.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ErrOrder is a page in an order that was not asked for: what lies between two
// such pages is not known (I8).
var ErrOrder = fmt.Errorf("forge: a page is out of order: %w", domain.ErrPartial)

// kindAt finds the kind and the name of an item by its path.
func (r *Repository) kindAt(path []byte) (Kind, string, bool) {
	for _, list := range [][]Kind{r.Kinds, r.Others} {
		for _, k := range list {
			rest, ok := strings.CutPrefix(string(path), k.Folder())
			if !ok {
				continue
			}
			escaped, ok := strings.CutSuffix(rest, ".md")
			name, err := url.PathUnescape(escaped)
			return k, name, ok && err == nil && string(PathOf(k.Folder(), name)) == string(path)
		}
	}
	return nil, "", false
}
