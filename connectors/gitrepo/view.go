package gitrepo

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// maxPath is the longest path that is listed, in bytes: no file system has longer
// ones.
const maxPath = 4096

// codePathTooLong is the code of what has a longer one.
const codePathTooLong = "path_too_long"

// maxTarget is the longest target of a symlink that is told, in bytes.
const maxTarget = 4096

// A view turns the entries of one commit into items. It looks into the small
// blobs that are no plain files.
type view struct {
	source  Source
	scope   domain.Scope
	limit   int64
	at      Head
	blobs   *blobs
	modules map[string]string // URL by path; nil: not read yet
	repo    *repo
	ctx     context.Context   // of the one listing that it serves
	small   map[string][]byte // by id, of the batch that is looked at
}

func (s Source) view(ctx context.Context, scope domain.Scope, r *repo, at position) *view {
	return &view{source: s, scope: scope, limit: r.limit, at: Head{Ref: at.Ref, Commit: at.Commit}, blobs: r.blobs(ctx), repo: r, ctx: ctx}
}

func (v *view) close() { v.blobs.close() }

// look reads what must be known of a batch: sizes, the targets of symlinks, what
// may be an LFS pointer, where submodules come from.
func (v *view) look(batch []entry) error {
	if err := v.sizes(batch); err != nil {
		return err
	}
	var ids []string
	v.small = map[string][]byte{}
	for _, e := range batch {
		if e.gone || v.scope.Skip != nil && v.scope.Skip(e.path, false) {
			continue
		}
		if e.mode == modeSymlink && e.size >= 0 && e.size <= maxTarget || e.file() && mayBePointer(e.size) {
			ids = append(ids, e.id)
		}
		if e.mode == modeSubmodule && v.modules == nil {
			if err := v.readModules(); err != nil {
				return err
			}
		}
	}
	return v.blobs.ask(askContents, ids, func(i int, o answer) error {
		if o.body == nil {
			return nil
		}
		b, err := io.ReadAll(o.body)
		v.small[ids[i]] = b
		return err
	})
}

// sizes fills in the sizes that a difference does not tell.
func (v *view) sizes(batch []entry) error {
	var ids []string
	var of []int
	for i, e := range batch {
		if !e.gone && e.size == sizeUnknown && e.mode != modeSubmodule {
			ids, of = append(ids, e.id), append(of, i)
		}
	}
	return v.blobs.ask(askInfo, ids, func(i int, o answer) error {
		batch[of[i]].size = o.size
		return nil
	})
}

// file reports whether e has content of its own.
func (e entry) file() bool { return e.mode != modeSymlink && e.mode != modeSubmodule }

// put adds what e means to a page.
func (v *view) put(page *domain.Page, e entry) {
	if e.moved != nil {
		page.Changes = append(page.Changes, gone(e.moved))
	}
	switch {
	case e.gone:
		page.Changes = append(page.Changes, gone(e.path))
		return
	case len(e.path) > maxPath:
		page.Failures = append(page.Failures, domain.ItemFailure{
			Path: valid(string(e.path[:256])) + "...", Code: codePathTooLong, Reason: fmt.Sprintf("%d bytes, at most %d are listed", len(e.path), maxPath),
		})
		return
	}
	item := v.item(e)
	if v.source.Decorate != nil {
		v.source.Decorate(&item, v.at)
	}
	page.Changes = append(page.Changes, domain.Change{Item: item})
}

func gone(path []byte) domain.Change {
	return domain.Change{Item: domain.Item{Path: path}, Deleted: true}
}

func (v *view) item(e entry) domain.Item {
	item := domain.Item{Path: e.path, Version: e.id, Size: e.size, MovedFrom: e.moved, Attributes: map[string]string{}}
	if e.size == sizeLeftOut {
		item.Size = v.limit // at least
	}
	switch e.mode {
	case modeSymlink:
		item.Kind, item.Bodiless = domain.KindSymlink, true
		if target, ok := v.small[e.id]; ok {
			item.Attributes["target"] = valid(string(target))
		}
	case modeSubmodule:
		item.Kind, item.Bodiless, item.Size = domain.KindSubmodule, true, 0
		item.Attributes["commit"] = e.id
		if url := v.modules[string(e.path)]; url != "" {
			item.Attributes["url"] = url
		}
	case modeExecutable:
		item.Attributes["executable"] = "true"
	}
	if p, ok := parsePointer(v.small[e.id]); ok && e.file() {
		v.pointer(&item, p)
	}
	return item
}

// pointer types a file that stands for another one in LFS.
func (v *view) pointer(item *domain.Item, p pointer) {
	item.Attributes["lfs_oid"], item.Attributes["lfs_size"] = p.oid.String(), strconv.FormatInt(p.size, 10)
	if v.source.Remote.LFS {
		item.Size, item.Digest = p.size, p.oid
		return
	}
	item.Bodiless = true
}

// valid is s as UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
