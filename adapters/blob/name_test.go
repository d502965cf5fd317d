package blob_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/blob"
)

func TestOpenAddress(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{ // what the error has to hold; empty: none
		"file://" + dir + "/a/b/c":                 "",
		"file://localhost" + dir + "/d":            "",
		"ftp://bucket?secret_key=hush":             `"ftp" is not supported; want file:///path`,
		"s3://bucket?secret_key=hush":              `unknown query parameter "secret_key"`,
		"s3://key:hush@bucket":                     "holds credentials",
		"s3:///bucket":                             "names no bucket",
		"gs:bucket":                                "names no bucket",
		"azblob://container#part":                  "names no bucket",
		"s3://bucket/a/../b":                       "not in its shortest form",
		"s3://bucket//a":                           "not in its shortest form",
		"file://host/path":                         "want file:///path",
		"file:relative":                            "want file:///path",
		"file://" + dir + "?fast=1":                "want file:///path",
		"":                                         "want file:///path",
		"file:///%zz?hush":                         "want file:///path",
		"file://" + dir + "/file":                  "not a directory",
		"/plain/path/without/a/scheme/needs/hush/": "want file:///path",
	}
	for address, want := range tests {
		_, err := blob.Open(t.Context(), address)
		if want == "" && err != nil {
			t.Errorf("%s: got error %v, want none", address, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: got error %v, want one with %q", address, err, want)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "a/b/c"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("got mode %v, want it closed to others", info.Mode())
	}
}

func TestCreateRefusesOtherNames(t *testing.T) {
	t.Parallel()

	s := open(t, t.TempDir())
	id := source(1).String()
	for _, bad := range []string{
		"", "packs", "/" + name(0), name(0) + "/", name(0) + "/..", "../" + name(0), name(-1), "other" + name(0)[5:],
		"packs/../" + run + "/0", "packs/" + id + "/../0", "packs/" + id + "/" + run + "/..", "packs/" + id + "/" + run + "/.tmp-0",
		"packs/" + id + "/" + run + "/00", "packs/" + id + "/" + run + "/+1", "packs/" + id + "/07" + run[1:] + "/0",
		"packs/" + id + "/7/0", "packs/" + id + "/7-x/0", "packs/{" + id + "}/" + run + "/0", "packs/" + id + "//" + run + "/0",
		"packs/" + strings.Replace(id, "0", "O", 1) + "/" + run + "/0", "packs/" + id + "/" + run + "/0\x00",
		"packs/" + id + "/" + strings.ToUpper("7-aaaaaaaa-1111-4111-8111-111111111111") + "/0",
	} {
		if _, err := s.Create(t.Context(), bad); err == nil {
			t.Errorf("got no error for the pack name %q", bad)
		}
	}
}
