package wire_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A language is what the source of package domain says besides its types: the
// values of its enumerations and the comments of its fields.
type language struct {
	values   map[string][]any  // by type: the constants, in their order
	comments map[string]string // by "Type" or "Type.Field"
}

func readLanguage(t *testing.T) language {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	l := language{values: map[string][]any{}, comments: map[string]string{}}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok {
				l.read(t, d)
			}
		}
	}
	return l
}

func (l language) read(t *testing.T, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			if name, ok := s.Type.(*ast.Ident); ok && d.Tok == token.CONST {
				value, err := strconv.Unquote(s.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				l.values[name.Name] = append(l.values[name.Name], value)
			}
		case *ast.TypeSpec:
			l.comments[s.Name.Name] = oneLine(d.Doc.Text())
			if fields, ok := s.Type.(*ast.StructType); ok {
				l.readFields(s.Name.Name, fields)
			}
		}
	}
}

func (l language) readFields(typeName string, fields *ast.StructType) {
	for _, f := range fields.Fields.List {
		for _, name := range f.Names {
			l.comments[typeName+"."+name.Name] = oneLine(f.Doc.Text() + f.Comment.Text())
		}
	}
}

func oneLine(comment string) string { return strings.Join(strings.Fields(comment), " ") }
