package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/configuration.md")

const configDocs = "../../docs/configuration.md"

// The lines around what is generated.
const (
	tableBegin = "<!-- the table is made from cmd/data-connector/config.go: go test ./cmd/data-connector -run TestConfigDocs -update -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// TestConfigDocs holds the documented variables to those that are read.
func TestConfigDocs(t *testing.T) {
	t.Parallel()

	raw, err := os.ReadFile(configDocs)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(raw), tableBegin)
	table, tail, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		t.Fatalf("%s has no place for the table", configDocs)
	}
	want := documented()
	if table == want {
		return
	}
	if !*update {
		t.Fatalf("the table of %s is not what config.go says; run the command in it:\n%s", configDocs, want)
	}
	if err := os.WriteFile(configDocs, []byte(head+tableBegin+want+tableEnd+tail), 0o600); err != nil {
		t.Fatal(err)
	}
}

func documented() string {
	var b strings.Builder
	b.WriteString("| variable | default | allowed | meaning |\n| --- | --- | --- | --- |\n")
	for _, v := range (config{}).variables() {
		fallback := "-"
		if v.fallback != "" {
			fallback = "`" + v.fallback + "`"
		}
		_, _ = fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.name, fallback, cmp.Or(v.allowed, "text"), v.help) // a builder never fails
	}
	return b.String()
}

// Every variable says what it is for.
func TestConfigIsExplained(t *testing.T) {
	t.Parallel()

	for _, v := range (config{}).variables() {
		if v.name == "" || !strings.HasSuffix(v.help, ".") {
			t.Errorf("variable %q is explained by %q", v.name, v.help)
		}
	}
}
