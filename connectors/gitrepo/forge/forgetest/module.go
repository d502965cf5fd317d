package forgetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// Deliveries is a module with recorded deliveries of all forges (MIT licence).
const Deliveries = "github.com/go-playground/webhooks/v6@v6.4.0"

// Module is the folder of a module at a version, in the module cache. Without it
// and without a proxy the test is skipped with the reason, and fails with
// REQUIRE_REAL=1.
func Module(t *testing.T, at string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", at)
	cmd.Dir = t.TempDir() // outside of our own module, which does not need it
	out, err := cmd.Output()
	var m struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &m); err != nil || jsonErr != nil || m.Dir == "" {
		without(t, "%s is not there: %v %s", at, err, m.Error)
	}
	return m.Dir
}

// without ends a test that lacks what others have published: where nothing may be
// left out it has failed.
func without(t *testing.T, why string, args ...any) {
	t.Helper()
	if os.Getenv("REQUIRE_REAL") == "1" {
		t.Fatalf(why+", and REQUIRE_REAL=1", args...)
	}
	t.Skipf(why, args...)
}
