package domain_test

import (
	"testing"

	"github.com/confuse/data-connector/domain"
)

func TestFileChangeTo(t *testing.T) {
	t.Parallel()

	base := func() domain.FileState {
		return domain.FileState{
			Path: "a.go", Kind: domain.KindFile, Revision: "r1", Content: content(1), Language: "Go",
			Attributes: map[string]string{"mode": "0644"},
		}
	}
	tests := map[string]struct {
		state   func(*domain.FileState)
		removed bool              // the file is a tombstone
		change  domain.FileChange // empty: no news
	}{
		"the same":                   {state: func(*domain.FileState) {}},
		"a touched file is no news":  {state: func(s *domain.FileState) { s.Revision, s.ProviderTime = "r2", noon }},
		"stored elsewhere":           {state: func(s *domain.FileState) { s.Content.Ref.Pack = "q" }},
		"other bytes":                {state: func(s *domain.FileState) { s.Content = content(2) }, change: domain.FileModified},
		"no bytes any more":          {state: func(s *domain.FileState) { s.Content = nil }, change: domain.FileModified},
		"other path":                 {state: func(s *domain.FileState) { s.Path = "b.go" }, change: domain.FileRenamed},
		"other path and bytes":       {state: func(s *domain.FileState) { s.Path, s.Content = "b.go", content(2) }, change: domain.FileRenamed},
		"another name in raw bytes":  {state: func(s *domain.FileState) { s.PathRaw = []byte("a\xff.go") }, change: domain.FileRenamed},
		"other attribute":            {state: func(s *domain.FileState) { s.Attributes["mode"] = "0755" }, change: domain.FileMetadata},
		"another attribute":          {state: func(s *domain.FileState) { s.Attributes = map[string]string{"size": "1"} }, change: domain.FileMetadata},
		"one attribute more":         {state: func(s *domain.FileState) { s.Attributes["vendored"] = "true" }, change: domain.FileMetadata},
		"other language":             {state: func(s *domain.FileState) { s.Language = "" }, change: domain.FileMetadata},
		"other author":               {state: func(s *domain.FileState) { s.AuthorRef = "a-1" }, change: domain.FileMetadata},
		"a tombstone is never alike": {state: func(*domain.FileState) {}, removed: true, change: domain.FileMetadata},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			f, state := domain.File{Removed: tt.removed, FileState: base()}, base()
			tt.state(&state)
			if got := f.Same(state); got != (tt.change == "") {
				t.Fatalf("got same %v, want %v", got, !got)
			}
			if tt.change != "" && !tt.removed && f.ChangeTo(state) != tt.change {
				t.Errorf("got %s, want %s", f.ChangeTo(state), tt.change)
			}
		})
	}
}

// Without content the provider's revision tells the difference.
func TestFileWithoutContent(t *testing.T) {
	t.Parallel()

	f := domain.File{FileState: domain.FileState{Path: "link", Kind: domain.KindSymlink, Revision: "to/a"}}
	state := f.FileState
	if !f.Same(state) {
		t.Error("got news of the same link")
	}
	state.Revision = "to/b"
	if f.Same(state) || f.ChangeTo(state) != domain.FileModified {
		t.Error("got no news of a link that leads elsewhere")
	}
}

func TestRevisedBefore(t *testing.T) {
	t.Parallel()

	order := []domain.Revised{{}, {Run: 1, Seq: 1}, {Run: 1, Seq: 9}, {Run: 2, Seq: 1}, {Run: 10}}
	for i, a := range order {
		for j, b := range order {
			if a.Before(b) != (i < j) {
				t.Errorf("%v before %v: got %v", a, b, a.Before(b))
			}
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()

	var c domain.Counts
	for _, change := range []domain.FileChange{
		domain.FileAdded, domain.FileModified, domain.FileRenamed, domain.FileRemoved, domain.FileMetadata, "teleported",
	} {
		c.Add(change)
	}
	want := domain.Counts{Added: 1, Modified: 1, Renamed: 1, Removed: 1, Metadata: 1}
	if c != want || c.Changes() != 5 {
		t.Errorf("got %+v with %d changes, want %+v with 5", c, c.Changes(), want)
	}
}
