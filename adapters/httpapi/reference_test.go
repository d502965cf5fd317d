package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// referencePage is rendered from the OpenAPI document and the golden replies.
const referencePage = "../../docs/api-reference.md"

func TestReferencePage(t *testing.T) {
	t.Parallel()

	server := httpapi.New(parts(newWorld()))
	page, err := template.New("api-reference.md.tmpl").Funcs(template.FuncMap{
		"cell":    strings.NewReplacer("|", `\|`, "<", "&lt;").Replace,
		"example": func(id string) (string, error) { return transcript(t, server, id) },
	}).ParseFiles("testdata/api-reference.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = page.Execute(&b, struct {
		httpapi.Reference
		Refusal string
	}{server.Reference(), refused(t, server)})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, referencePage, b.Bytes())
}

// transcript is one call of an operation as a user makes it.
func transcript(t *testing.T, server *httpapi.Server, id string) (string, error) {
	t.Helper()
	if id == "get-file-content" {
		r := call(t, server, "GET", contentPath(readme), "")
		return fmt.Sprintf("$ curl -H \"X-API-Key: $KEY\" http://localhost:8000%s\n%s", contentPath(readme), bytes.TrimSpace(r.Body)), nil
	}
	e, ok := examples()[id]
	if !ok {
		return "", fmt.Errorf("operation %s has no example", id)
	}
	var command strings.Builder
	command.WriteString("$ curl")
	if e.method != "GET" {
		command.WriteString(" -X " + e.method)
	}
	if !strings.HasSuffix(e.path, "z") && e.path != "/health" {
		command.WriteString(` -H "X-API-Key: $KEY"`)
	}
	if e.body != "" {
		command.WriteString(" --json '" + e.body + "'")
	}
	fmt.Fprintf(&command, " 'http://localhost:8000%s'\n", e.path)
	reply, err := os.ReadFile(filepath.Join("testdata", id+".golden"))
	command.Write(bytes.TrimSpace(reply))
	return command.String(), err
}

func refused(t *testing.T, server *httpapi.Server) string {
	t.Helper()
	var pretty bytes.Buffer
	r := call(t, server, "GET", "/sources?limit=5000&color=red", "")
	wantProblem(t, wantRefusal(t, r, 400, "VALIDATION_ERROR"), "color")
	r = call(t, server, "GET", "/sources?limit=5000", "")
	if err := json.Indent(&pretty, r.Body, "", "  "); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(pretty.String())
}

// The document is valid for those who generate clients from it: every operation
// has its own id, names its errors and refers to shapes that exist.
func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()

	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Security    []map[string][]string
			Responses   map[string]struct{}
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	raw := httpapi.New(parts(newWorld())).OpenAPI()
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("got version %q", doc.OpenAPI)
	}
	seen := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			_, unprocessable := op.Responses["422"]
			if op.OperationID == "" || seen[op.OperationID] || unprocessable {
				t.Errorf("%s %s: id %q is missing or not unique, or 422 is documented", method, path, op.OperationID)
			}
			seen[op.OperationID] = true
			if _, long := op.Responses["431"]; !long {
				t.Errorf("%s %s: 431 is not documented", method, path)
			}
			if _, refusal := op.Responses["401"]; refusal != (len(op.Security) > 0) {
				t.Errorf("%s %s: security and 401 do not go together", method, path)
			}
		}
	}
	for id := range examples() {
		if !seen[id] {
			t.Errorf("the document has no operation %q", id)
		}
	}
	for _, part := range bytes.Split(raw, []byte(`"$ref": "#/components/schemas/`))[1:] {
		name, _, _ := bytes.Cut(part, []byte(`"`))
		if doc.Components.Schemas[string(name)] == nil {
			t.Errorf("$ref to %s, which does not exist", name)
		}
	}
}
