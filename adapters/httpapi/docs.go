package httpapi

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
)

//go:embed docs.html.tmpl
var docsTemplate string

// docsPage renders ref as one page that loads nothing from elsewhere, so that it
// works offline.
func docsPage(ref Reference) []byte {
	var b bytes.Buffer
	page, err := template.New("docs").Parse(docsTemplate)
	if err == nil {
		err = page.Execute(&b, ref)
	}
	if err != nil { // a mistake in the template, which a test shows
		return fmt.Appendf(nil, "the page cannot be rendered: %s; see /openapi.json", err)
	}
	return b.Bytes()
}
