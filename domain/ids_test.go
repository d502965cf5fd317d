package domain_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

var update = flag.Bool("update", false, "write the golden file of ids if it is missing")

// Ids follow from what they name, for good: another form would announce every
// file again. So the golden file is never edited.
func TestIDsGolden(t *testing.T) {
	t.Parallel()

	const file = "testdata/ids.golden"
	var b strings.Builder
	line := func(what string, id fmt.Stringer) { fmt.Fprintf(&b, "%s: %s\n", what, id) }
	line("first job", job1)
	line("second job", job2)
	line("item 1AbC", domain.NewItemFileID(source, "1AbC"))
	line("path README.md, 0", domain.NewPathFileID(source, []byte("README.md"), 0))
	line("path README.md, 1", domain.NewPathFileID(source, []byte("README.md"), 1))
	line("path caf\\xe9, 0", domain.NewPathFileID(source, []byte("caf\xe9"), 0))
	line("hint by delivery", domain.NewHintEventID(source, "72d3162e", domain.Digest{1}))
	line("hint by body", domain.NewHintEventID(source, "", domain.Digest{1}))
	for name, e := range fileEvents() {
		line("event "+name, domain.NewFileEventID(e.event, e.prev))
	}
	got := sortedLines(b.String())
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && *update {
		want, err = []byte(got), os.WriteFile(file, []byte(got), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("ids (-want +got):\n%s", d)
	}
}

// File ids tell apart what differs and nothing else.
func TestFileIDs(t *testing.T) {
	t.Parallel()

	ids := map[domain.FileID]string{}
	for what, id := range map[string]domain.FileID{
		"a, 0":      domain.NewPathFileID(source, []byte("a"), 0),
		"a, 1":      domain.NewPathFileID(source, []byte("a"), 1),
		"a0, 1":     domain.NewPathFileID(source, []byte("a0"), 1),
		"b, 0":      domain.NewPathFileID(source, []byte("b"), 0),
		"raw, 0":    domain.NewPathFileID(source, []byte("\xe9"), 0),
		"cleaned":   domain.NewPathFileID(source, []byte("\ufffd"), 0),
		"item a":    domain.NewItemFileID(source, "a"),
		"elsewhere": domain.NewPathFileID(domain.SourceID(runA), []byte("a"), 0),
	} {
		if other, taken := ids[id]; taken {
			t.Errorf("%s and %s have one id", what, other)
		}
		ids[id] = what
	}
}

func TestParseIDs(t *testing.T) {
	t.Parallel()

	for _, text := range []string{"", "7", "../etc", "0195a3c1-7d2e-7b6a-9f00-00000000000g", "0195a3c1"} {
		if _, err := domain.ParseSourceID(text); !errors.Is(err, domain.ErrSourceNotFound) {
			t.Errorf("source %q: got error %v, want %v", text, err, domain.ErrSourceNotFound)
		}
		if _, err := domain.ParseFileID(text); !errors.Is(err, domain.ErrFileNotFound) {
			t.Errorf("file %q: got error %v, want %v", text, err, domain.ErrFileNotFound)
		}
		if _, err := domain.ParseJobID(text); !errors.Is(err, domain.ErrJobNotFound) {
			t.Errorf("job %q: got error %v, want %v", text, err, domain.ErrJobNotFound)
		}
	}
	if got, err := domain.ParseSourceID(source.String()); err != nil || got != source {
		t.Errorf("got %s, %v, want %s", got, err, source)
	}
}

func TestNewIDsDiffer(t *testing.T) {
	t.Parallel()

	s1, err1 := domain.NewSourceID()
	s2, err2 := domain.NewSourceID()
	r1, err3 := domain.NewRunID()
	r2, err4 := domain.NewRunID()
	e1, err5 := domain.NewEventID()
	e2, err6 := domain.NewEventID()
	many, err7 := domain.NewEventIDs(300)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		t.Fatal(err)
	}
	if s1.String() >= s2.String() {
		t.Errorf("got %s, then %s, want later ids to sort higher", s1, s2)
	}
	seen := map[domain.EventID]bool{e1: true}
	for _, id := range append(many, e2) {
		if seen[id] || id.Version() != 7 {
			t.Errorf("got %s, want others of version 7", id)
		}
		seen[id] = true
	}
	if r1 == r2 || len(many) != 300 {
		t.Errorf("got runs %s and %s and %d ids", r1, r2, len(many))
	}
}

func TestParseDigest(t *testing.T) {
	t.Parallel()

	text := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	d, err := domain.ParseDigest(text)
	if err != nil || d.String() != text || d.IsZero() {
		t.Errorf("got %s, %v, want %s", d, err, text)
	}
	for _, bad := range []string{"", text[1:], text + "0", "g" + text[1:], strings.ToUpper(text)} {
		if _, err := domain.ParseDigest(bad); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}
