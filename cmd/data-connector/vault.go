package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/vault"
)

// keysetFile is where standalone keeps its keys, in the data folder.
const keysetFile = "keyset.json"

// openVault opens the place of credentials. Without VAULT_KEYSET_FILE there is
// none: sources that need a credential cannot be connected.
func (s *service) openVault(ctx context.Context) error {
	if s.VaultKeyset == "" {
		return nil
	}
	ring, err := vault.OpenKeyring(ctx, s.VaultKeyset, string(s.VaultKMS))
	if errors.Is(err, vault.ErrNoKeyset) && s.makeKeyset {
		err = ring.Create(ctx)
	}
	if errors.Is(err, vault.ErrNoKeyset) {
		return fmt.Errorf("%w; give VAULT_KEYSET_FILE the file of this installation, or make a new one: data-connector vault init", err)
	}
	if err != nil {
		return err
	}
	s.vault = vault.New(s.db, ring, s.clock)
	s.credentials = s.vault
	return nil
}

func (c *command) vault() *cobra.Command {
	return group("vault", "Make and change the keys that seal credentials", c.vaultInit(), c.vaultRotate())
}

// keysOf opens the keys of the service that at names.
func (c *command) keysOf(ctx context.Context, at where) (config, *vault.Keyring, error) {
	cfg, err := c.servers(at, "DATABASE_URL")
	if err != nil {
		return cfg, nil, err
	}
	if cfg.VaultKeyset == "" {
		cfg.VaultKeyset = filepath.Join(cmp.Or(at.data, defaultData), keysetFile)
	}
	ring, err := vault.OpenKeyring(ctx, cfg.VaultKeyset, string(cfg.VaultKMS))
	return cfg, ring, err
}

func (c *command) vaultInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Make the file VAULT_KEYSET_FILE with a new key",
		Long: `Makes the file that VAULT_KEYSET_FILE names, mode 0600, with one new key in it;
with VAULT_KMS_URI it is sealed by that key of a key management service. An existing
file stays as it is. Back it up apart from the database: without it no credential
can be opened again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c.environ)
			if err = errors.Join(err, cfg.require("VAULT_KEYSET_FILE")); err != nil {
				return fmt.Errorf("configuration:\n%w", err)
			}
			ring, err := vault.OpenKeyring(cmd.Context(), cfg.VaultKeyset, string(cfg.VaultKMS))
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "the keyset is there already")
				return err
			}
			if !errors.Is(err, vault.ErrNoKeyset) {
				return err
			}
			if err := ring.Create(cmd.Context()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "made", cfg.VaultKeyset)
			return err
		},
	}
}

func (c *command) vaultRotate() *cobra.Command {
	var at where
	var disable bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Seal all credentials by a new key",
		Long: `Adds a new key to the file VAULT_KEYSET_FILE and seals every credential and webhook
secret by it. The service may run meanwhile: its processes notice the new file. One
that was stopped in the middle is finished by the next call, without another key.

With --disable-old the keys before it open nothing any more afterwards: a stolen
copy of them is worthless. Give it once all processes see the new file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, ring, err := c.keysOf(cmd.Context(), at)
			if err != nil {
				return err
			}
			db, err := postgres.Open(cmd.Context(), string(cfg.DatabaseURL))
			if err != nil {
				return err
			}
			defer db.Close()
			n, err := rotate(cmd.Context(), vault.New(db, ring, c.clock), ring, disable)
			if err != nil {
				return fmt.Errorf("%d sealed by the new key; call it again to go on: %w", n, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d sealed by the new key\n", n)
			return err
		},
	}
	at.flagData(cmd)
	cmd.Flags().BoolVar(&disable, "disable-old", false, "let the keys before it open nothing any more")
	return cmd
}

// rotate adds a key, unless an earlier rotation has left rows under an older one,
// and brings all rows under it.
func rotate(ctx context.Context, v *vault.Vault, ring *vault.Keyring, disable bool) (int64, error) {
	stale, err := v.Stale(ctx)
	if err == nil && stale == 0 {
		err = ring.AddKey(ctx)
	}
	if err != nil {
		return 0, err
	}
	n, err := v.Reseal(ctx)
	if err == nil && disable {
		err = ring.Disable(ctx)
	}
	return n, err
}
