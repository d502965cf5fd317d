package ingest

import (
	"bytes"
	"net/http"
	"path"
	"strings"

	"github.com/go-enry/go-enry/v2"

	"github.com/confuse/data-connector/domain"
)

// A traits is what name and first bytes tell of a file.
type traits struct {
	language  string // Linguist's name; empty: none, or not to be told without the content
	mediaType string
	vendored  bool
	generated bool
	binary    bool
}

// traitsOf tells from the path and the first 2 KiB of the content (nil: not read).
// The same input gives the same answer on every machine.
func traitsOf(p string, head []byte) traits {
	t := traits{vendored: isVendored(p), generated: isGenerated(p, head), binary: enry.IsBinary(head)}
	if !t.binary {
		t.language = languageOf(path.Base(p), head)
	}
	switch {
	case t.binary:
		t.mediaType = http.DetectContentType(head)
	case head == nil && t.language == "" && !enry.IsImage(p):
		t.mediaType = ""
	default:
		t.mediaType = enry.GetMIMEType(strings.ToLower(p), t.language)
	}
	return t
}

// languageOf goes by file name, then extension, then (for names without one) the
// shebang, and looks at the content only where these leave several languages.
func languageOf(base string, head []byte) string {
	language, sure := languageByName(base)
	switch {
	case sure || len(head) == 0:
		return language
	case path.Ext(base) != "":
		return languageByContent(base, head)
	}
	language, _ = enry.GetLanguageByShebang(head)
	return language
}

// languageByContent is enry.GetLanguage, which begins with a search for modelines
// that costs more than all the rest. It is left out where there can be none.
func languageByContent(base string, head []byte) string {
	if mayHaveModeline(head) {
		return enry.GetLanguage(base, head)
	}
	if isPlainYAML(base, head) {
		return "YAML"
	}
	var languages []string
	for _, strategy := range enry.DefaultStrategies[1:] {
		switch found := strategy(base, head, languages); len(found) {
		case 0: // it does not tell
		case 1:
			return found[0]
		default:
			languages = found
		}
	}
	if len(languages) == 0 {
		return ""
	}
	return languages[0]
}

// mayHaveModeline looks for what every modeline of Emacs and Vim holds: "-*-", or
// a colon behind "vi", "ex" or "vim", which a version may follow.
func mayHaveModeline(head []byte) bool {
	if bytes.Contains(head, []byte("-*-")) || bytes.Contains(head, []byte("vim")) {
		return true
	}
	for before := range bytes.SplitSeq(head, []byte(":")) {
		before = bytes.TrimRight(before, " \t\n\f\r\v")
		if bytes.HasSuffix(before, []byte("vi")) || bytes.HasSuffix(before, []byte("ex")) {
			return true
		}
	}
	return false
}

// isPlainYAML reports whether go-enry would say YAML, after asking a slow regular
// expression, `(?m)^\t+.*?[^\s:].*?:`, which lines that begin with a tab may match.
func isPlainYAML(base string, head []byte) bool {
	if ending := strings.ToLower(path.Ext(base)); ending != ".yaml" && ending != ".yml" || bytes.HasPrefix(head, []byte("#!")) || bytes.Contains(head, []byte("<?xml")) {
		return false
	}
	if bytes.Contains(head, []byte("swagger:")) || bytes.Contains(head, []byte("openapi:")) {
		return false
	}
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("\t")) && bytes.Contains(bytes.TrimLeft(line, "\t\f\r :"), []byte(":")) {
			return false
		}
	}
	return true
}

// languageByName is what the name alone tells; not sure: only the content does.
func languageByName(base string) (language string, sure bool) {
	if language, ok := enry.GetLanguageByFilename(base); ok && language != "" {
		return language, true
	}
	candidates := enry.GetLanguagesByExtension(base, nil, nil)
	switch len(candidates) {
	case 0:
		return "", path.Ext(base) != ""
	case 1:
		return candidates[0], true
	default:
		return "", false
	}
}

// Attributes that stand on the event, "true" or not there.
const (
	attrVendored  = "vendored"
	attrGenerated = "generated"
	attrBinary    = "binary"
)

// attributes puts the traits into the attributes of an event.
func (t traits) attributes(into map[string]string) {
	if t.vendored {
		into[attrVendored] = "true"
	}
	if t.generated {
		into[attrGenerated] = "true"
	}
	if t.binary {
		into[attrBinary] = "true"
	}
}

// traitsIn are the traits that a known file has.
func traitsIn(f domain.File) traits {
	return traits{
		language: f.Language, mediaType: f.MediaType, vendored: f.Attributes[attrVendored] != "",
		generated: f.Attributes[attrGenerated] != "", binary: f.Attributes[attrBinary] != "",
	}
}
