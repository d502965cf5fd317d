package ingest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// service is a Service over a world with one connector.
func service(w *connectortest.World, conn domain.Connector) *ingest.Service {
	return &ingest.Service{
		Log: w.Log, Index: w.Rows, Folds: w.Rows, Clock: w.Clock, Connectors: ingest.Connectors{conn},
		Reservations: w.Reservations, Idempotency: w.Idempotency,
	}
}

// Whatever is wrong is named, with what is allowed, and nothing is written.
func TestConnectBadInput(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		provider, name, config, field, allowed string
	}{
		"unknown provider":      {provider: "sharepoint", config: `{"root":"r"}`, field: "type", allowed: "memory"},
		"long name":             {name: strings.Repeat("n", 201), config: `{"root":"r"}`, field: "name", allowed: "200"},
		"NUL in the name":       {name: "a\x00b", config: `{"root":"r"}`, field: "name", allowed: "NUL"},
		"not an object":         {config: `[1]`, field: "config", allowed: "object"},
		"null":                  {config: `null`, field: "config", allowed: "object"},
		"truncated":             {config: `{"root":`, field: "config", allowed: "object"},
		"trailing":              {config: `{"root":"r"} {}`, field: "config", allowed: "object"},
		"unknown option":        {config: `{"root":"r","pathz":1}`, field: "config.pathz", allowed: "root, uri, syncSchedule, watch, includePaths"},
		"missing option":        {config: `{}`, field: "config.root", allowed: "Name of the tree."},
		"wrong type":            {config: `{"root":1}`, field: "config.root", allowed: "a string"},
		"null option":           {config: `{"root":null}`, field: "config.root", allowed: "a string"},
		"NUL in an option":      {config: `{"root":"a\u0000"}`, field: "config.root", allowed: "NUL"},
		"globs no array":        {config: `{"root":"r","includePaths":"*"}`, field: "config.includePaths", allowed: "array"},
		"glob no string":        {config: `{"root":"r","includePaths":["a",1]}`, field: "config.includePaths[1]", allowed: "a string"},
		"bad glob":              {config: `{"root":"r","excludePaths":["a","[z"]}`, field: "config.excludePaths[1]", allowed: "**"},
		"glob that leaves":      {config: `{"root":"r","includePaths":["../x"]}`, field: "config.includePaths[0]", allowed: "without .."},
		"absolute glob":         {config: `{"root":"r","includePaths":["/x"]}`, field: "config.includePaths[0]", allowed: "relative"},
		"unknown language":      {config: `{"root":"r","includeLanguages":["Klingon"]}`, field: "config.includeLanguages[0]", allowed: "Linguist"},
		"negative size":         {config: `{"root":"r","maxFileSize":-1}`, field: "config.maxFileSize", allowed: "whole number"},
		"size is a fraction":    {config: `{"root":"r","maxFileSize":1.5}`, field: "config.maxFileSize", allowed: "whole number"},
		"bad schedule":          {config: `{"root":"r","syncSchedule":"at noon"}`, field: "config.syncSchedule", allowed: "@hourly"},
		"zone in the schedule":  {config: `{"root":"r","syncSchedule":"TZ=0"}`, field: "config.syncSchedule", allowed: "UTC"},
		"too often":             {config: `{"root":"r","syncSchedule":"@every 1s"}`, field: "config.syncSchedule", allowed: "every minute"},
		"credential in the uri": {config: `{"root":"r","uri":"https://me:secret@host/x"}`, field: "config.uri", allowed: "without user"},
		"not UTF-8":             {config: "{\"root\":\"a\xff\"}", field: "config", allowed: "JSON object"},
		"half a surrogate":      {config: `{"root":"\ud800"}`, field: "config.root", allowed: "text"},
		"bool is a string":      {config: `{"root":"r","defaultExcludes":"yes"}`, field: "config.defaultExcludes", allowed: "true or false"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := connectortest.NewWorld(t)
			if tt.provider == "" {
				tt.provider = "memory"
			}
			_, err := service(w, &provider{}).Connect(t.Context(), ingest.ConnectRequest{Owner: "o", Provider: tt.provider, Name: tt.name, Config: []byte(tt.config)})
			var invalid *domain.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got error %v, want an InvalidError", err)
			}
			if invalid.Field != tt.field || !strings.Contains(invalid.Allowed, tt.allowed) {
				t.Errorf("got %q allowing %q, want field %q allowing %q", invalid.Field, invalid.Allowed, tt.field, tt.allowed)
			}
			if steps := w.Journal(); len(steps) != 0 {
				t.Errorf("got %d events on the log, want none", len(steps))
			}
		})
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		config     string
		kept, left []string
	}{
		"defaults":        {config: `{}`, kept: []string{"a", "vendor/a", "build/a.go", ".github/x", "a.git"}, left: []string{".git/config", "x/.git/HEAD", "web/node_modules/p/i.js", ".DS_Store", "d/.DS_Store"}},
		"no defaults":     {config: `{"defaultExcludes":false}`, kept: []string{".git/config", "node_modules/a"}},
		"include":         {config: `{"includePaths":["src/**","*.md"]}`, kept: []string{"src/a/b.go", "README.md"}, left: []string{"a.go", "docs/x.md"}},
		"a folder's name": {config: `{"includePaths":["src"],"excludePaths":["src/gen"]}`, kept: []string{"src/a"}, left: []string{"src/gen/x", "src/gen", "srcx"}},
		"globs":           {config: `{"excludePaths":["**/*_test.go","{a,b}/[0-9]?"]}`, kept: []string{"x.go", "a/123"}, left: []string{"d/x_test.go", "a/12", "b/9z"}},
		"exclude wins":    {config: `{"includePaths":["**"],"excludePaths":["**/tmp/**"]}`, kept: []string{"a"}, left: []string{"tmp/a", "x/tmp/y/z"}},
		"not UTF-8":       {config: `{"excludePaths":["bad*"]}`, kept: []string{"x\xff"}, left: []string{"bad\xff"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			f, err := ingest.NewFilter([]byte(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range tt.kept {
				if f.Skips([]byte(p), false) {
					t.Errorf("%q is left out", p)
				}
			}
			for _, p := range tt.left {
				if !f.Skips([]byte(p), false) {
					t.Errorf("%q is kept", p)
				}
			}
		})
	}
}

// A folder that is skipped holds nothing that would be kept.
func TestFilterFolders(t *testing.T) {
	t.Parallel()

	f, err := ingest.NewFilter([]byte(`{"includePaths":["src/**"],"excludePaths":["gen/**","**/tmp","x/*.go"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{"gen": true, "a/tmp": true, ".git": true, "src": false, "other": false, "x": false, "genx": false} {
		if got := f.Skips([]byte(dir), true); got != want {
			t.Errorf("folder %q: got skipped %v, want %v", dir, got, want)
		}
	}
}

// A narrower filter removes what it leaves out, whatever its share; a wider one
// brings it back under the same id.
func TestFilteredSync(t *testing.T) {
	t.Parallel()

	files := map[string]string{"main.go": "package main\n", "script": "#!/bin/sh\necho\n", "x.py": "print(1)\n", "big.go": "package big // " + strings.Repeat("x", 200), "logo.png": "\x89PNG\r\n\x1a\n\x00\x00", "tool.h": "int x;\n"}
	tests := map[string]struct {
		config string
		want   string
	}{
		"all":               {`{"root":"r"}`, "big.go,logo.png,main.go,script,tool.h,x.py"},
		"one language":      {`{"root":"r","includeLanguages":["go"]}`, "big.go,main.go"},
		"by shebang":        {`{"root":"r","includeLanguages":["Shell"]}`, "script"},
		"without":           {`{"root":"r","excludeLanguages":["python","sh"]}`, "big.go,logo.png,main.go,tool.h"},
		"by the content":    {`{"root":"r","includeLanguages":["C"]}`, "tool.h"},
		"small ones":        {`{"root":"r","maxFileSize":100}`, "logo.png,main.go,script,tool.h,x.py"},
		"language and path": {`{"root":"r","includeLanguages":["go"],"excludePaths":["big*"]}`, "main.go"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := &provider{files: files, pageSize: 4}
			b := newBench(t, p, tt.config)
			b.run()
			if got := keys(b.Tree(b.source)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := b.sync(domain.SyncFull); len(got) != 0 {
				t.Errorf("got %q from a second sync, want nothing", got)
			}
		})
	}
}
