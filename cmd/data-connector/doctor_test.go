package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Everything that is wrong is told in one go, with what to change, and nothing of
// it is secret.
func TestDoctorUnwell(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"file": ""})
	r := call(t, []string{
		"DATABASE_URL=postgres://me:sesame@127.0.0.1:1/db", "REDIS_URL=redis://:sesame@127.0.0.1:1", "PORT=70000",
		"CONTENT_STORE_URL=file://" + filepath.Join(dir, "file"), "FS_ALLOWED_PATHS=" + dir + ":" + filepath.Join(dir, "none"),
	}, "doctor")
	if r.code != exitFailed || strings.Contains(r.out+r.err, "sesame") {
		t.Errorf("got exit code %d, want %d, and no password in\n%s%s", r.code, exitFailed, r.out, r.err)
	}
	for _, want := range []string{
		" postgres://me:hidden@127.0.0.1:1/db\n",
		"fail  configuration: PORT: \"70000\" is not allowed",
		"fail  kafka: set KAFKA_BOOTSTRAP_SERVERS\n",
		"fail  postgres: ", "look whether DATABASE_URL is right",
		"fail  redis: ", "look whether REDIS_URL is right",
		"fail  content store: ", "let the user of the service write there",
		"ok    folders below " + dir + " may be connected\n",
		"warn  FS_ALLOWED_PATHS: ",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("got\n%s\nwant it to hold %q", r.out, want)
		}
	}
}
