package projections_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// odd are paths that are hard to keep in order: prefixes of each other, not
// UTF-8, and longer than an index can hold.
func odd() [][]byte {
	deep := strings.Repeat("deep/", 1_000)
	paths := [][]byte{
		[]byte("a"), []byte("a/b"), []byte("a-b"), []byte("a.b"), []byte("A"), []byte("\u00e9"), []byte("z\nz"), []byte("%_"),
		{'x', 0xff}, {'x', 0xfe, 'y'}, []byte("x"), {0xff}, {0xff, 0xff, 'a'},
		[]byte(deep + "b"), []byte(deep + "a"), []byte(deep),
	}
	slices.SortFunc(paths, bytes.Compare)
	return paths
}

// addPath appends a file at a raw path.
func (s *story) addPath(raw []byte) {
	e := s.changed(domain.FileAdded, "x", "body")
	e.FileID = domain.NewPathFileID(s.src.ID, raw, 0)
	e.Path = strings.ToValidUTF8(string(raw), "\ufffd")
	if e.Path != string(raw) {
		e.PathRaw = raw
	}
	s.log.add(s.t, e)
}

func oddFiles(t *testing.T) (*world, *story, [][]byte) {
	t.Helper()
	w, l := newWorld(t), newLog(eventsTopic, 0)
	s, other := newStory(t, l, "ann"), newStory(t, l, "ann")
	s.start()
	other.start()
	paths := odd()
	for i := range paths { // from both ends
		s.addPath(paths[(i*7)%len(paths)])
		other.addPath(paths[i])
	}
	s.file(domain.FileAdded, "gone", "x")
	s.file(domain.FileRemoved, "gone", "")
	w.project(t, l)
	return w, s, paths
}

func TestLiveIsInByteOrder(t *testing.T) {
	t.Parallel()

	w, s, want := oddFiles(t)
	var got [][]byte
	for f, err := range w.Live(t.Context(), s.src.ID, domain.ByPath) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.RawPath())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestFilesAtAndByID(t *testing.T) {
	t.Parallel()

	w, s, paths := oddFiles(t)
	asked := append([][]byte{[]byte("gone"), []byte("never")}, paths...)
	files, err := w.FilesAt(t.Context(), s.src.ID, asked)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	var ids []domain.FileID
	for _, f := range files {
		got = append(got, f.RawPath())
		ids = append(ids, f.ID)
		if f.SourceID != s.src.ID {
			t.Errorf("got a file of source %s", f.SourceID)
		}
	}
	slices.SortFunc(got, bytes.Compare)
	if diff := cmp.Diff(paths, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	gone := domain.NewPathFileID(s.src.ID, []byte("gone"), 0)
	files, err = w.FilesByID(t.Context(), s.src.ID, append(ids, gone))
	if err != nil || len(files) != len(ids)+1 {
		t.Errorf("got %d files by id, error %v; want %d with the tombstone", len(files), err, len(ids)+1)
	}
	for _, f := range files {
		if f.Removed != (f.ID == gone) {
			t.Errorf("got removed %t for %s", f.Removed, f.Path)
		}
	}
	if files, err := w.FilesAt(t.Context(), s.src.ID, nil); err != nil || len(files) != 0 {
		t.Errorf("got %d files at no path, error %v", len(files), err)
	}
}

func TestListFilesInPages(t *testing.T) {
	t.Parallel()

	w, s, want := oddFiles(t)
	for _, limit := range []int{1, 3, len(want), 100} {
		var got [][]byte
		after := projections.FileKey{}
		for {
			page, next, err := w.ListFiles(t.Context(), "ann", s.src.ID, projections.FileFilter{}, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page {
				got = append(got, f.RawPath())
			}
			if next == nil {
				break
			}
			after = *next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("paths in pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

func TestListFilesWithAFilter(t *testing.T) {
	t.Parallel()

	w, s, paths := oddFiles(t)
	matching := func(prefix string) (n int64) {
		for _, p := range paths {
			if bytes.HasPrefix(p, []byte(prefix)) {
				n++
			}
		}
		return n
	}
	all := int64(len(paths))
	tests := map[string]struct {
		filter projections.FileFilter
		want   int64
	}{
		"a":             {projections.FileFilter{PathPrefix: "a"}, matching("a")},
		"a folder":      {projections.FileFilter{PathPrefix: "a/"}, 1},
		"no wildcard":   {projections.FileFilter{PathPrefix: "%"}, 1},
		"long":          {projections.FileFilter{PathPrefix: strings.Repeat("deep/", 1_000)}, 3},
		"longer":        {projections.FileFilter{PathPrefix: strings.Repeat("deep/", 1_000) + "a"}, 1},
		"the last byte": {projections.FileFilter{PathPrefix: "\xff"}, 2},
		"language":      {projections.FileFilter{Language: "Go"}, all},
		"no language":   {projections.FileFilter{Language: "C"}, 0},
		"kind":          {projections.FileFilter{Kind: domain.KindFile, PathPrefix: "x"}, 3},
		"other kind":    {projections.FileFilter{Kind: domain.KindIssue}, 0},
		"since then":    {projections.FileFilter{ChangedSince: noon}, all},
		"since later":   {projections.FileFilter{ChangedSince: noon.Add(time.Second)}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			page, next, err := w.ListFiles(t.Context(), "ann", s.src.ID, tt.filter, projections.FileKey{}, 100)
			if err != nil || int64(len(page)) != tt.want || next != nil {
				t.Errorf("got %d files, next %v, error %v; want %d", len(page), next, err, tt.want)
			}
			n, err := w.CountFiles(t.Context(), "ann", s.src.ID, tt.filter)
			if err != nil || n != tt.want {
				t.Errorf("got a count of %d, error %v; want %d", n, err, tt.want)
			}
		})
	}
}

func TestLiveReadsMoreThanAPage(t *testing.T) {
	t.Parallel()

	const many = 11_000 // more than two pages
	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	template := record(t, s.changed(domain.FileAdded, "x", "one"))
	for i := range many {
		e := s.changed(domain.FileAdded, "same", "one") // a provider may allow equal names
		if i%2 == 0 {
			e.Path = fmt.Sprintf("%06d", i)
		}
		e.ItemID = fmt.Sprint(i)
		e.FileID = domain.NewItemFileID(s.src.ID, e.ItemID)
		r := template
		r.Event = e
		l.addRecord(r)
	}
	w.project(t, l, 5_000, 5_000)
	for _, order := range []domain.Identified{domain.ByPath, domain.ByItem} {
		t.Run(string(order), func(t *testing.T) {
			seen := map[domain.FileID]bool{}
			var last domain.File
			for f, err := range w.Live(t.Context(), s.src.ID, order) {
				if err != nil {
					t.Fatal(err)
				}
				sorted := f.Path >= last.Path
				if order == domain.ByItem {
					sorted = last.ID.Compare(f.ID) < 0
				}
				if !sorted {
					t.Fatalf("got %s %s behind %s %s", f.Path, f.ID, last.Path, last.ID)
				}
				seen[f.ID], last = true, f
			}
			if len(seen) != many {
				t.Errorf("got %d files, want %d", len(seen), many)
			}
		})
	}
}

// A foreign or broken writer cannot move a file from one owner to another.
func TestFileStaysWithItsSource(t *testing.T) {
	t.Parallel()

	for name, sizes := range map[string][]int{"in one batch": nil, "one by one": {1, 1, 1, 1, 1, 1, 1, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, l := newWorld(t), newLog(eventsTopic, 0)
			ann, bob := newStory(t, l, "ann"), newStory(t, l, "bob")
			ann.start()
			bob.start()
			mine := ann.file(domain.FileAdded, "a.go", "one")
			theft := bob.changed(domain.FileAdded, "a.go", "two")
			theft.FileID, theft.Seq, theft.OwnerID = mine.FileID, 99, "ann"
			l.add(t, theft)
			w.project(t, l, sizes...)
			f, err := w.GetFile(t.Context(), "ann", mine.FileID)
			if err != nil || f.Revision != "one" || f.SourceID != ann.src.ID {
				t.Errorf("got %+v, error %v; want ann's file as it was", f, err)
			}
		})
	}
}
