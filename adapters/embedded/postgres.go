package embedded

import (
	"context"
	"path/filepath"

	"github.com/confuse/data-connector/adapters/embedded/pgserver"
)

// passwordName is the file with the password of the database.
const passwordName = "postgres.password"

func (s *Servers) startPostgres(ctx context.Context, dir string, o Options) error {
	password, err := secret(filepath.Join(dir, passwordName))
	if err != nil {
		return err
	}
	server, err := pgserver.Start(ctx, pgserver.Options{
		Dir:      dir,
		User:     Database,
		Password: password,
		Database: Database,
		Port:     o.PostgresPort,
		NoFsync:  o.NoFsync,
		Bin:      o.PostgresBin,
		Cache:    o.CacheDir,
		Log:      o.Log,
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, server.Close)
	s.DatabaseURL, s.lost = server.URL(), server.Done()
	return nil
}
