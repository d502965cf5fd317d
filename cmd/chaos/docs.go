package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/confuse/data-connector/cmd/figures"
)

// The part of the page that is written here lies between these.
const (
	partBegin = "<!-- chaos -->\n"
	partEnd   = "<!-- /chaos -->\n"
)

// writeDocs writes lines into their part of a page, or behind it.
func (c *chaos) writeDocs(file string, lines []figures.Line) error {
	old, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	var part strings.Builder
	_, _ = fmt.Fprintf(&part, "%s## Faults\n\nWritten by `make chaos DOCS=1` on %s: a sync of %d files, killed %d times; seed %d.\n\n", // to memory
		partBegin, c.clock.Now().Format("2006-01-02"), c.files, c.kills, c.seed)
	for _, f := range catalogue() {
		_, _ = fmt.Fprintf(&part, "- **%s**: %s.\n", f.name, f.title)
	}
	part.WriteString("\n" + figures.Markdown(lines) + partEnd)
	return os.WriteFile(file, []byte(replacePart(string(old), part.String())), 0o644) //nolint:gosec // a page for everyone
}

// replacePart puts part where the old one is, or at the end.
func replacePart(page, part string) string {
	before, after, ok := cutAround(page)
	if !ok {
		before = strings.TrimRight(page, "\n") + "\n\n"
	}
	return before + part + after
}

// cutAround gives what stands before and behind the part, if there is one.
func cutAround(page string) (before, after string, ok bool) {
	before, rest, ok := strings.Cut(page, partBegin)
	if !ok {
		return "", "", false
	}
	_, after, _ = strings.Cut(rest, partEnd)
	return before, after, true
}
