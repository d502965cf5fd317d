package main_test

import (
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/confuse/data-connector"

// rules says who may import whom, keyed by the first two elements of a
// package's folder ("adapters/*": any that has no key of its own). The standard
// library is allowed to all, and so is what shares the key: itself and its
// subfolders. "x/..." is x and all below it. A new arrow is a decision: it is
// made here and in docs/architecture.md.
var rules = map[string]struct{ ours, outside []string }{
	"domain":                   {outside: []string{"github.com/google/uuid"}},
	"domain/wire":              {ours: []string{"domain"}, outside: []string{"github.com/google/uuid"}},
	"domain/replay":            {ours: []string{"domain", "domain/wire"}, outside: engine},
	"domain/ingest":            {ours: []string{"domain", "domain/wire"}, outside: engine},
	"connectors/*":             {ours: []string{"domain", "connectors/gitrepo", "connectors/rest"}, outside: anything},
	"connectors/connectortest": {ours: []string{"domain/..."}},
	"projections":              {ours: []string{"domain/..."}, outside: tables},
	"projections/*":            {ours: []string{"domain/...", "projections/..."}, outside: tables},
	"adapters/*":               {ours: []string{"domain/...", "projections/..."}, outside: anything},
	"adapters/postgres":        {ours: []string{"domain/...", "projections/...", "migrations"}, outside: anything},
	"adapters/testenv":         {ours: []string{"migrations"}, outside: anything},
	"migrations":               {},
	"docs":                     {},
	"docs/consumers":           {ours: []string{"domain/..."}, outside: anything},
	"cmd/*":                    {ours: anything, outside: anything},
}

var (
	anything = []string{"..."}
	tables   = []string{"github.com/jackc/pgx/v5/...", "go.opentelemetry.io/otel/..."}
	engine   = []string{ // pure functions
		"github.com/google/uuid", "golang.org/x/sync/...", "github.com/bmatcuk/doublestar/v4",
		"github.com/go-enry/go-enry/v2/...", "github.com/robfig/cron/v3",
	}
)

// TestImports holds the table for what is built; tests may import what they
// need. It runs with -count=1: go's test cache does not see what go list reads.
func TestImports(t *testing.T) {
	t.Parallel()

	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		for imp := range strings.FieldsSeq(imports) {
			if !mayImport(pkg, imp) {
				t.Errorf("%s imports %s: the table of imports has no such arrow", pkg, imp)
			}
		}
	}
}

func TestMayImport(t *testing.T) {
	t.Parallel()

	const ours = module + "/"
	tests := map[string]struct {
		pkg, imp string
		want     bool
	}{
		"standard library":                  {ours + "domain", "net/http", true},
		"id library in the domain":          {ours + "domain", "github.com/google/uuid", true},
		"driver in the domain":              {ours + "domain", "github.com/jackc/pgx/v5", false},
		"domain does not know its wire":     {ours + "domain", ours + "domain/wire", false},
		"engine on the domain":              {ours + "domain/ingest", ours + "domain", true},
		"engine on an adapter":              {ours + "domain/ingest", ours + "adapters/kafka", false},
		"globs in the engine":               {ours + "domain/ingest", "github.com/bmatcuk/doublestar/v4", true},
		"connector on its SDK":              {ours + "connectors/github", "github.com/google/go-github/v99/github", true},
		"connector on a shared part":        {ours + "connectors/github", ours + "connectors/gitrepo", true},
		"connector on another one":          {ours + "connectors/github", ours + "connectors/gitlab", false},
		"connector on the engine":           {ours + "connectors/github", ours + "domain/ingest", false},
		"suite on an SDK":                   {ours + "connectors/connectortest", "github.com/google/go-github/v99/github", false},
		"table on the runner":               {ours + "projections/files", ours + "projections", true},
		"projection on a driver":            {ours + "projections", "github.com/jackc/pgx/v5/pgxpool", true},
		"projection on the log's client":    {ours + "projections", "github.com/twmb/franz-go/pkg/kgo", false},
		"adapter on its subfolder":          {ours + "adapters/httpapi", ours + "adapters/httpapi/docs", true},
		"adapter on another one":            {ours + "adapters/httpapi", ours + "adapters/kafka", false},
		"adapter on another one's child":    {ours + "adapters/kafka", ours + "adapters/httpapi/docs", false},
		"adapter on a connector":            {ours + "adapters/httpapi", ours + "connectors/github", false},
		"migrations for postgres":           {ours + "adapters/postgres", ours + "migrations", true},
		"migrations for others":             {ours + "adapters/redis", ours + "migrations", false},
		"test environment on the domain":    {ours + "adapters/testenv", ours + "domain", false},
		"wiring on everything":              {ours + "cmd/data-connector", ours + "connectors/github", true},
		"nobody on the wiring":              {ours + "adapters/httpapi", ours + "cmd/data-connector", false},
		"a folder that is not in the table": {ours + "internal/util", "fmt", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := mayImport(tt.pkg, tt.imp); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func mayImport(pkg, imp string) bool {
	from := folder(pkg) // "domain", "adapters/kafka"
	rule, ok := rules[from]
	if !ok {
		rule, ok = rules[path.Dir(from)+"/*"]
	}
	if to := folder(imp); to != "" {
		return ok && (to == from || within(rule.ours, to))
	}
	host, _, _ := strings.Cut(imp, "/")
	return ok && (!strings.Contains(host, ".") || within(rule.outside, imp))
}

// folder returns the first two elements of the folder of a package of ours, ""
// for others.
func folder(pkg string) string {
	rel, ours := strings.CutPrefix(pkg, module+"/")
	if !ours {
		return ""
	}
	parts := strings.Split(rel, "/")
	return path.Join(parts[:min(2, len(parts))]...)
}

// within tells whether one of the patterns stands for p.
func within(patterns []string, p string) bool {
	for _, pattern := range patterns {
		root, tree := strings.CutSuffix(pattern, "...")
		root = strings.TrimSuffix(root, "/")
		if p == root || tree && (root == "" || strings.HasPrefix(p, root+"/")) {
			return true
		}
	}
	return false
}
