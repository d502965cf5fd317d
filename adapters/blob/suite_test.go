package blob_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/blob"
	"github.com/confuse/data-connector/domain"
)

const run = "7-11111111-1111-4111-8111-111111111111"

func source(n int) domain.SourceID {
	return domain.SourceID{UUID: uuid.MustParse(fmt.Sprintf("00000000-0000-7000-8000-%012d", n))}
}

// name is that of the n-th pack of source 1.
func name(n int) string { return fmt.Sprintf("packs/%s/%s/%d", source(1), run, n) }

// open gives the store in the folder root.
func open(t testing.TB, root string) *blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), "file://"+root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t testing.TB, s domain.Packs, name string) domain.PackWriter {
	t.Helper()
	w, err := s.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func stage(t testing.TB, w domain.PackWriter, b []byte) domain.Staged {
	t.Helper()
	s, err := w.Stage(t.Context(), bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keep(t testing.TB, w domain.PackWriter, b []byte) domain.ClaimCheck {
	t.Helper()
	c, err := w.Keep(stage(t, w, b))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func commit(t testing.TB, w domain.PackWriter) {
	t.Helper()
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// read gives all bytes of c, and the error that stands where the end should be.
func read(ctx context.Context, s domain.Packs, c domain.ClaimCheck) ([]byte, error) {
	r, err := s.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return b, err
}

func wantContent(t *testing.T, s domain.Packs, c domain.ClaimCheck, want []byte) {
	t.Helper()
	got, err := read(t.Context(), s, c)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %d other bytes, want the %d that were kept", len(got), len(want))
	}
}

// files lists all files below root, slash-separated and relative.
func files(t *testing.T, root string) []string {
	t.Helper()
	list := []string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(root, path) // path begins with root
			list = append(list, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// noise is n bytes that do not compress, others for another seed.
func noise(n int, seed byte) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

// text is n bytes that compress well.
func text(n int) []byte {
	return bytes.Repeat([]byte("func main() { return nil }\n"), n/27+1)[:n]
}
