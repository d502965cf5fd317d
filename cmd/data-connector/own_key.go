package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
)

// ownKey is the API key by which the verbs of this machine's user call the
// service on the data folder dir, made at the first start; empty where none is
// asked for. It lies in the folder with mode 0600.
func (s *service) ownKey(ctx context.Context, dir string) (string, error) {
	if s.AuthMode == authNone {
		return "", nil
	}
	path, keys := filepath.Join(dir, "api.key"), postgres.NewAPIKeys(s.db, s.clock)
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the API key of the data folder: %w", err)
	}
	key := strings.TrimSpace(string(raw))
	_, err = keys.Authenticate(ctx, key)
	if !errors.Is(err, domain.ErrUnauthorized) {
		return key, err
	}
	_, key, err = keys.Create(ctx, postgres.APIKey{Owner: localOwner, Name: "data folder", Rights: []domain.Right{domain.MayRead, domain.MayWrite, domain.MayOperate}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the API key of the data folder: %w", err)
	}
	return key, nil
}
