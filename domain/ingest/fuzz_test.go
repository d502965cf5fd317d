package ingest_test

import (
	"encoding/json"
	"testing"

	"github.com/confuse/data-connector/domain/ingest"
)

// Any globs are a filter or an InvalidError naming their option, and any path is
// judged, always the same.
func FuzzGlobs(f *testing.F) {
	for _, seed := range [][3]string{
		{"**/*.go", "vendor/**", "vendor/a/b.go"}, {"", "*.{md,txt}", "a.md"}, {"docs", "[!a-c]*", "docs/x"}, {"[", "]", "a"},
		{"a/**/b/**/c/**", "**/**/**/**/x", "a/b/b/c/c/x"}, {"{a,{b,c}}", `\*`, "*"}, {"/abs", "../up", "abs"}, {"\xff", "*", "\xff\xfe/\x00"},
		{"{{{{{{{{{{", "****************a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"},
	} {
		f.Add(seed[0], seed[1], []byte(seed[2]))
	}
	f.Fuzz(func(t *testing.T, include, exclude string, path []byte) {
		config, err := json.Marshal(map[string]any{"includePaths": []string{include}, "excludePaths": []string{exclude}})
		if err != nil {
			t.Skip(err)
		}
		filter, err := ingest.NewFilter(config)
		if err != nil {
			return
		}
		for _, dir := range []bool{true, false} {
			if first := filter.Skips(path, dir); filter.Skips(path, dir) != first {
				t.Errorf("two answers about %q", path)
			}
		}
	})
}

// Any options are a filter or are refused.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"includePaths":["**"],"maxFileSize":0}`, `{"excludePaths":"x"}`, `{"includeLanguages":["Go"],"excludeLanguages":["no such"]}`,
		`{"maxFileSize":-1}`, `{"maxFileSize":1e400}`, `{"defaultExcludes":false,"syncSchedule":"@every 1ns"}`, `{"watch":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		filter, err := ingest.NewFilter(config)
		if err == nil && filter == nil {
			t.Error("got neither a filter nor an error")
		}
	})
}
