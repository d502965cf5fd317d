package embedded

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeFile replaces path by a file of mode 0600 with raw in it. After a crash
// it is the old one or the new one, and after a return on the disk.
func writeFile(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// secret is the one kept in the file path, made at the first call.
func secret(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err == nil && len(raw) > 0 {
		return strings.TrimSpace(string(raw)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read a password: %w", err)
	}
	fresh := randomSecret()
	if err := writeFile(path, []byte(fresh+"\n")); err != nil {
		return "", fmt.Errorf("keep a password: %w", err)
	}
	return fresh, nil
}

// randomSecret has 192 bits, as hexadecimal digits: it fits into a URL as it is.
func randomSecret() string {
	raw := make([]byte, 24)
	rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}
