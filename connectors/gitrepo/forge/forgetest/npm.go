package forgetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// NPM gives the files of a package of the npm registry whose names end in suffix.
// Without the package or npm the test is skipped with the reason, and fails with
// REQUIRE_REAL=1.
func NPM(t *testing.T, pkg, suffix string) map[string][]byte {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		without(t, "%s is not there: %v", pkg, err)
	}
	dir := filepath.Join(cache, "data-connector-dev", "npm")
	name := strings.NewReplacer("@", "", "/", "-").Replace(pkg[:strings.LastIndexByte(pkg, '@')]) + "-" + pkg[strings.LastIndexByte(pkg, '@')+1:] + ".tgz"
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		b = pack(t, pkg, dir, name)
	}
	return untar(t, b, suffix)
}

func pack(t *testing.T, pkg, dir, name string) []byte {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		without(t, "%s is not there: %v", pkg, err)
	}
	tmp := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "pack", "--silent", pkg)
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		without(t, "%s is not in %s and npm pack fails: %v: %s", pkg, dir, err, out)
	}
	b, err := os.ReadFile(filepath.Join(tmp, name))
	if err == nil {
		err = keep(b, dir, name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// keep puts a file into a folder at once: tests of other packages fetch the same one
// at the same time, and read it.
func keep(b []byte, dir, name string) error {
	f, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func untar(t *testing.T, b []byte, suffix string) map[string][]byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, suffix) {
			if files[h.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
}
