// Package testenv gives a test its own corner of real servers: topics on Kafka,
// a database on PostgreSQL, keys on Redis. What a test is given is empty (the
// database: migrated), shared with no other test and deleted after it, so that
// tests run in parallel and on servers that stay up between runs.
//
// The servers are named by TEST_KAFKA_BOOTSTRAP_SERVERS, TEST_DATABASE_URL and
// TEST_REDIS_URL, or else by the file that "deploy/dev/services up" (make
// services-up) writes. The variables the service itself reads are never looked
// at: a test must not meet a user's servers. A missing server fails the test
// with the command that starts it. Only Kafka has a stand-in: without
// REQUIRE_REAL=1 a missing one is replaced by a broker in process.
//
// It is for _test.go files and suites only.
//
// # Why
//
// What the service promises rests on what these servers really do (what an
// acknowledged write survives, what a compare-and-set locks). A fake would
// only repeat what its author believes about them.
package testenv

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The variables that name the servers.
const (
	kafkaVariable    = "TEST_KAFKA_BOOTSTRAP_SERVERS"
	databaseVariable = "TEST_DATABASE_URL"
	redisVariable    = "TEST_REDIS_URL"
)

// remedy ends the message of a test that misses a server.
const remedy = `start it with: make services-up (or name one: eval "$(deploy/dev/services env)")`

// cleanupTime is what deleting what a test left may take: a DROP DATABASE waits
// for a checkpoint, and tests of other packages keep the disk busy.
const cleanupTime = 30 * time.Second

// server returns the value of the variable name, from the environment or else
// from the file of deploy/dev/services; "" if neither has it.
func server(tb testing.TB, name string) string {
	tb.Helper()
	if v := os.Getenv(name); v != "" {
		return v
	}
	f, err := os.Open(filepath.Join(stateFolder(), "env"))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "export "+name+"="); ok {
			return strings.Trim(v, "'")
		}
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return ""
}

// stateFolder is where deploy/dev/services keeps its state; lib/common.sh there
// has the same rule.
func stateFolder() string {
	if dir := os.Getenv("DEV_STATE"); dir != "" {
		return dir
	}
	if uid := os.Getuid(); uid == 0 {
		return "/var/tmp/data-connector-dev-" + strconv.Itoa(uid)
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	return filepath.Join(cache, "data-connector-dev")
}

// unique returns a name that no other test has. All are of one length, so none
// is the beginning of another.
func unique() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand.Read
	return "test-" + hex.EncodeToString(b[:])
}
