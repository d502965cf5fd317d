package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// The folders of what is no file of the repository.
const (
	folderIssues      = "@issues/"
	folderPulls       = "@pulls/"
	folderReleases    = "@releases/"
	folderDiscussions = "@discussions/"
	folderWiki        = "@wiki/"
)

// reserved reports whether a path of the repository would lie among the items.
func reserved(path []byte) bool {
	for _, f := range []string{folderIssues, folderPulls, folderReleases, folderDiscussions, folderWiki} {
		if strings.HasPrefix(string(path), f) {
			return true
		}
	}
	return false
}

// overlap is how far a feed reaches back behind its position: GitHub's lists lag
// behind its writes, and its times are whole seconds.
const overlap = 2 * time.Minute

// A kind is one kind of items, read through the API.
type kind interface {
	// name is the stage of a listing and the key in a cursor.
	name() string
	// folder is where its items lie.
	folder() string
	// all gives every item, page by page, each with the position behind it; empty:
	// the end. after is such a position, empty: from the start. It returns nil only
	// when the end is proven.
	all(ctx context.Context, ss *session, after string, take func([]domain.Item, string) error) error
	// mark is the newest that there is, in one conditional call.
	mark(ctx context.Context, ss *session) (mark, error)
	// since gives what changed since m, and more.
	since(ctx context.Context, ss *session, m mark, take func([]domain.Item) error) error
	// read gives the present content of an item and its version.
	read(ctx context.Context, ss *session, id int64) (text, version string, err error)
}

// A mark is how far a feed of one kind came. Times are GitHub's, not ours.
type mark struct {
	Since time.Time `json:"since,omitzero"` // the latest change that was seen
	Seen  string    `json:"seen,omitempty"` // digest of the newest items: another one means news
	Count int       `json:"count,omitempty"`
}

// kinds are those that the source asks for, in the order of a listing.
func (ss *session) kinds() []kind {
	var all []kind
	if ss.o.IndexIssues {
		all = append(all, issues{})
	}
	if ss.o.IndexPRs {
		all = append(all, pulls{})
	}
	if ss.o.IndexReleases {
		all = append(all, releases{})
	}
	if ss.o.IndexDiscussions {
		all = append(all, discussions{})
	}
	return all
}

// kindAt finds the kind and the number of an item by its path.
func kindAt(path []byte) (kind, int64, bool) {
	for _, k := range []kind{issues{}, pulls{}, releases{}, discussions{}} {
		rest, ok := strings.CutPrefix(string(path), k.folder())
		if !ok {
			continue
		}
		id, err := strconv.ParseInt(strings.TrimSuffix(rest, ".md"), 10, 64)
		return k, id, err == nil && strings.HasSuffix(rest, ".md")
	}
	return nil, 0, false
}

func pathOf(k kind, id int64) []byte {
	return []byte(k.folder() + strconv.FormatInt(id, 10) + ".md")
}

// versionOf is the name of a version: everything that the lists tell of a change.
func versionOf(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		if t, ok := p.(time.Time); ok {
			p = t.UTC().Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(h, "%q\n", fmt.Sprint(p)) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// seenOf is the digest of a page of items.
func seenOf(items []domain.Item) string {
	parts := make([]any, 0, 2*len(items))
	for _, i := range items {
		parts = append(parts, string(i.Path), i.Version)
	}
	return versionOf(parts...)
}

func latest(items []domain.Item) time.Time {
	var t time.Time
	for _, i := range items {
		if i.Modified.After(t) {
			t = i.Modified
		}
	}
	return t
}

// attributes drops what is empty.
func attributes(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}

// stamp is a time in an attribute and in Markdown.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// errOrder is a page in an order that was not asked for: what lies between two
// such pages is not known (I8).
var errOrder = fmt.Errorf("github: a page is out of order: %w", domain.ErrPartial)

// absent reports whether a part of the repository is switched off or was never
// made.
func absent(err error) bool { return errors.Is(err, domain.ErrGone) }
