package ingest

import (
	"path/filepath"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/go-enry/go-enry/v2"
	"github.com/go-enry/go-enry/v2/data"
)

// A sieve tells with a few searches for fixed texts that a path matches none of
// many regular expressions, which is so of nearly every path and takes much
// longer to find out from the expressions.
type sieve struct {
	texts []string // lower case: every match holds one of them
	open  bool     // there is an expression without such a text: all is let through
}

// newSieve is the sieve of patterns.
func newSieve(patterns []string) sieve {
	var s sieve
	for _, p := range patterns {
		re, err := syntax.Parse(p, syntax.Perl)
		if err != nil {
			s.open = true
			continue
		}
		text := fixedText(re.Simplify())
		s.texts = append(s.texts, text)
		s.open = s.open || text == ""
	}
	return s
}

// mayMatch reports whether the expressions have to be asked about path. Upper and
// lower case are the same only in ASCII: other paths are let through.
func (s sieve) mayMatch(path string) bool {
	if s.open || !isASCII(path) {
		return true
	}
	path = strings.ToLower(path)
	for _, text := range s.texts {
		if strings.Contains(path, text) {
			return true
		}
	}
	return false
}

// fixedText is a text in lower case that every match of re holds, the longest
// that is plain to see; empty: none.
func fixedText(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return fixedText(re.Sub[0])
	case syntax.OpConcat:
		return fixedTextOf(re.Sub)
	default:
		return letters(re)
	}
}

// fixedTextOf joins what stands side by side.
func fixedTextOf(parts []*syntax.Regexp) string {
	longest, joined := "", ""
	for _, part := range parts {
		own := letters(part)
		if joined += own; own == "" {
			joined = ""
			own = fixedText(part)
		}
		longest = longer(longer(longest, joined), own)
	}
	return longest
}

// letters is re when it is one text, in whatever case.
func letters(re *syntax.Regexp) string {
	switch {
	case re.Op == syntax.OpLiteral:
		return strings.ToLower(string(re.Rune))
	case re.Op == syntax.OpCharClass && len(re.Rune) == 4 && re.Rune[0] == re.Rune[1] && re.Rune[2] == re.Rune[3]: // [Xx]
		if a, b := strings.ToLower(string(re.Rune[0])), strings.ToLower(string(re.Rune[2])); a == b {
			return a
		}
	}
	return ""
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isVendored is enry.IsVendor.
func isVendored(path string) bool { return vendorPaths().mayMatch(path) && enry.IsVendor(path) }

// isGenerated is enry.IsGenerated, which asks about the path first.
func isGenerated(path string, head []byte) bool {
	if generatedPaths().mayMatch(path) {
		return enry.IsGenerated(path, head)
	}
	path = strings.ToLower(path)
	ending := filepath.Ext(path)
	if _, ok := data.GeneratedCodeExtensions[ending]; ok {
		return true
	}
	for _, rule := range data.GeneratedCodeMatchers {
		if rule(path, ending, head) {
			return true
		}
	}
	return false
}

// vendorPaths is the sieve of enry.IsVendor. It never changes.
var vendorPaths = sync.OnceValue(func() sieve {
	patterns := make([]string, len(data.VendorMatchers))
	for i, m := range data.VendorMatchers {
		patterns[i] = m.String()
	}
	return newSieve(patterns)
})

// generatedPaths is the sieve of what enry.IsGenerated knows by its path. Its rules
// are functions, which do not tell their patterns; a test counts them.
var generatedPaths = sync.OnceValue(func() sieve {
	return sieve{texts: []string{
		".idea/", "pods/", "carthage/build/", ".designer.", ".feature.cs", "node_modules/", "vendor/", "lock", "npm-shrinkwrap.json",
		".pnp.", "godeps/", ".zep.", ".toml.orig", "__generated__/", "_tlb.pas", "htmlcov/", ".sqlx/query-",
	}}
})
