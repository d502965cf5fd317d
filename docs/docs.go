// Package docs holds the contract of the log as files: the AsyncAPI document and
// a JSON Schema per event type. The service serves them, the tests of package
// wire generate them from the Go types and fail when the two differ.
package docs

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed asyncapi.json schemas/*.json
var files embed.FS

// AsyncAPI is the AsyncAPI 3 document of the log, as JSON. Nobody changes the
// bytes.
func AsyncAPI() ([]byte, error) { return files.ReadFile("asyncapi.json") }

// Schema is the JSON Schema of an event type, "confuse.FileChanged.v1"; false
// when there is none.
func Schema(eventType string) ([]byte, bool) {
	if path.Base(eventType) != eventType {
		return nil, false
	}
	b, err := files.ReadFile("schemas/" + eventType + ".json")
	return b, err == nil
}

// Schemas are the schema files, named <event type>.json.
func Schemas() (fs.FS, error) { return fs.Sub(files, "schemas") }
