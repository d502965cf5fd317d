// Package migrations holds the SQL of schema app: what the log cannot give back
// and a backup has to keep (key reservations, idempotency keys, API keys, the
// hint inbox, people).
//
// It is data only. Whoever has a database applies Files with goose and records
// the version in VersionTable. The read tables are not here: they are derived
// from the log, and their schema is rebuilt, never migrated.
package migrations

import (
	"embed"
	"io/fs"
)

// VersionTable is where goose keeps the version of schema app. It lies outside
// that schema, because the first migration creates the schema.
const VersionTable = "public.app_version"

//go:embed *.sql
var files embed.FS

// Files returns the migrations, named as goose expects (00001_app.sql), in the
// root of the file system. A released migration is never edited.
func Files() fs.FS {
	return files
}
