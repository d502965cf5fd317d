package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
)

func (c *command) apiKey() *cobra.Command {
	return group("apikey", "Make, list and revoke API keys, in the database", c.apiKeyCreate(), c.apiKeyList(), c.apiKeyRevoke())
}

// A keyOwner is whose keys a verb is about, and where they are.
type keyOwner struct {
	where
	owner string
}

func (k *keyOwner) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.owner, "owner", string(localOwner), "id of the user or tenant whose sources the key opens")
	k.flagData(cmd)
}

// withKeys calls f with the table of keys.
func (c *command) withKeys(ctx context.Context, k keyOwner, f func(*postgres.APIKeys) error) error {
	cfg, err := c.servers(k.where, "DATABASE_URL")
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return err
	}
	defer db.Close()
	return f(postgres.NewAPIKeys(db, c.clock))
}

func (c *command) apiKeyCreate() *cobra.Command {
	var k keyOwner
	var name string
	var scopes []string
	var expires time.Duration
	cmd := &cobra.Command{
		Use: "create", Short: "Make an API key and print it, once", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key := postgres.APIKey{Owner: domain.OwnerID(k.owner), Name: name}
			for _, s := range scopes {
				key.Rights = append(key.Rights, domain.Right(s))
			}
			if expires != 0 {
				key.ExpiresAt = c.clock.Now().Add(expires)
			}
			return c.withKeys(cmd.Context(), k, func(keys *postgres.APIKeys) error {
				made, secret, err := keys.Create(cmd.Context(), key)
				if err != nil {
					return err
				}
				c.complain("API key %s of %s; it is shown only now:", made.ID, made.Owner)
				_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
				return err
			})
		},
	}
	k.flags(cmd)
	cmd.Flags().StringVar(&name, "name", "", "what it is for")
	cmd.Flags().StringSliceVar(&scopes, "scopes", []string{string(domain.MayRead), string(domain.MayWrite)}, "what it allows: read, write, operate (runs, projections and poison of all owners)")
	cmd.Flags().DurationVar(&expires, "expires", 0, "after which time it ends, e.g. 720h; 0: never")
	return cmd
}

func (c *command) apiKeyList() *cobra.Command {
	var k keyOwner
	cmd := &cobra.Command{
		Use: "list", Short: "List an owner's API keys", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withKeys(cmd.Context(), k, func(keys *postgres.APIKeys) error {
				all, err := keys.List(cmd.Context(), domain.OwnerID(k.owner))
				if err != nil {
					return err
				}
				t := newTable(cmd.OutOrStdout(), "ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "REVOKED", "LAST USED")
				for _, key := range all {
					t.row(key.ID, key.Name, rights(key.Rights), when(key.CreatedAt), when(key.ExpiresAt), when(key.RevokedAt), when(key.LastUsedAt))
				}
				return t.flush()
			})
		},
	}
	k.flags(cmd)
	return cmd
}

func rights(all []domain.Right) string {
	words := make([]string, len(all))
	for i, r := range all {
		words[i] = string(r)
	}
	return strings.Join(words, ",")
}

func (c *command) apiKeyRevoke() *cobra.Command {
	var k keyOwner
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "End an API key at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return usage("%q is not the id of an API key; \"apikey list\" shows them", args[0])
			}
			return c.withKeys(cmd.Context(), k, func(keys *postgres.APIKeys) error {
				if err := keys.Revoke(cmd.Context(), domain.OwnerID(k.owner), id); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "revoked")
				return err
			})
		},
	}
	k.flags(cmd)
	return cmd
}
