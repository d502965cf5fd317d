package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// TestModeIsUnknown: whether the log runs in this process is known to the wiring
// and to adapters/embedded alone. What behaves differently in the two modes is
// tested in one of them only.
func TestModeIsUnknown(t *testing.T) {
	t.Parallel()

	files := 0
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		files++
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, found := range modeNames(t, name, src) {
			t.Errorf("%s knows whether the log runs in this process", found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("got %d files looked at: is this the right folder?", files)
	}
}

func TestModeNames(t *testing.T) {
	t.Parallel()

	const head = "package p\n\n// standalone\nimport _ \"x/embedded\"\n\n"
	tests := map[string]struct {
		src  string
		want int
	}{
		"comments, paths, strings": {"const s = \"standalone\"", 0},
		"embed is another word":    {"var embed int", 0},
		"a type":                   {"type EmbeddedLog struct{}", 1},
		"a field and a local":      {"func f(x struct{ isStandalone bool }) { standalone := 1; _ = standalone }", 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := modeNames(t, "p.go", []byte(head+tt.src)); len(got) != tt.want {
				t.Errorf("got %v, want %d names", got, tt.want)
			}
		})
	}
}

// skipFolder keeps the walk to the Go code of ours that must not know.
func skipFolder(name string) error {
	base := path.Base(name)
	hidden := name != "." && strings.HasPrefix(base, ".")
	if name == "cmd" || name == "adapters/embedded" || base == "testdata" || hidden {
		return fs.SkipDir
	}
	return nil
}

// modeNames returns the identifiers of a file, with their place, that name a
// mode. Comments, strings and import paths are free to.
func modeNames(t *testing.T, name string, src []byte) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		lower := strings.ToLower(id.Name)
		if strings.Contains(lower, "standalone") || strings.Contains(lower, "embedded") {
			found = append(found, set.Position(id.Pos()).String()+": "+id.Name)
		}
		return true
	})
	return found
}
