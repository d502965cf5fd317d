package forge

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Markdown is the media type of all items of an API.
const Markdown = "text/markdown"

// A Page is a Markdown document in the making.
type Page struct{ strings.Builder }

// Line writes one line.
func (p *Page) Line(format string, args ...any) { _, _ = fmt.Fprintf(p, format+"\n", args...) } // a Builder never fails

// Fact is a line of the head; nothing when there is nothing to tell.
func (p *Page) Fact(name, value string) {
	if value != "" {
		p.Line("- %s: %s", name, value)
	}
}

// Text is what somebody wrote, with one empty line before it.
func (p *Page) Text(body string) {
	if body = strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")); body != "" {
		p.Line("\n%s", body)
	}
}

// Said is one contribution under a heading: "###".
func (p *Page) Said(level, who string, at time.Time, what, body string) {
	p.Line("\n%s %s", level, strings.Join(slices.DeleteFunc([]string{who, what, Stamp(at)}, func(s string) bool { return s == "" }), ", "))
	p.Text(body)
}
