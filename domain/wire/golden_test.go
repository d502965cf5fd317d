package wire_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

var update = flag.Bool("update", false, "write golden files that are missing, and the schemas")

// What an event looks like on the log is for good (I6), so -update writes a
// golden file that is missing and never changes one.
func TestGolden(t *testing.T) {
	t.Parallel()

	for name, m := range samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			encoded, err := wire.Encode(m)
			if err != nil {
				t.Fatal(err)
			}
			got, file := printed(encoded), filepath.Join("testdata", name+".golden")
			want, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) && *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v; a new event's golden file is written by go test ./domain/wire -update", err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s changed its form (-want +got):\n%s", name, diff)
			}
		})
	}
}

// An old event stays readable and means what it meant.
func TestGoldenDecodes(t *testing.T) {
	t.Parallel()

	files, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d golden files, %v", len(files), err)
	}
	all := samples()
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()

			headers, value := golden(t, file)
			got, err := wire.Decode(headers, value)
			if err != nil {
				t.Fatal(err)
			}
			want, ok := all[strings.TrimSuffix(filepath.Base(file), ".golden")]
			if !ok {
				t.Fatal("no sample has this name: an event of the log must stay readable")
			}
			if diff := cmp.Diff(want.Event, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if id, ok := wire.SourceOf(headers); !ok || id != source {
				t.Errorf("got source %s, %v, want %s", id, ok, source)
			}
		})
	}
}

// Each change has a golden file.
func TestGoldenHasAllChanges(t *testing.T) {
	t.Parallel()

	for name, m := range samples() {
		switch e := m.Event.(type) {
		case domain.SourceChanged:
			if !e.Change.Known() {
				t.Errorf("%s: %q is no change", name, e.Change)
			}
		case domain.FileChanged:
			if !e.Change.Known() {
				t.Errorf("%s: %q is no change", name, e.Change)
			}
		}
	}
	if got, want := len(sourceSamples()), 20; got != want {
		t.Errorf("got samples of %d source changes, want %d", got, want)
	}
}

// printed is a record in lines: the key, a header a line, an empty line, the value.
func printed(e wire.Encoded) string {
	var b strings.Builder
	fmt.Fprintf(&b, "key: %s\n", e.Key)
	for _, h := range e.Headers {
		fmt.Fprintf(&b, "%s: %s\n", h.Key, h.Value)
	}
	fmt.Fprintf(&b, "\n%s\n", e.Value)
	return b.String()
}

// golden reads what printed wrote.
func golden(t testing.TB, file string) (map[string]string, []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, value, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		t.Fatalf("%s has no empty line", file)
	}
	headers := map[string]string{}
	for line := range strings.Lines(head + "\n") {
		key, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		headers[key] = text
	}
	delete(headers, "key")
	return headers, []byte(strings.TrimSuffix(value, "\n"))
}
