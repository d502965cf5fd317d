package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/adapters/postgres"
)

func (c *command) migrate() *cobra.Command {
	var at where
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring schema app of the database up to date",
		Long: `Brings schema app of the database up to date: what the log cannot give back. serve
does the same when it starts; this does it beforehand. The read tables are no part
of it: serve makes them, and fills them from the log.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.servers(at, "DATABASE_URL")
			if err != nil {
				return err
			}
			if err := postgres.Migrate(cmd.Context(), string(cfg.DatabaseURL)); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "schema app is up to date")
			return err
		},
	}
	at.flagData(cmd)
	return cmd
}
