package ingest

import (
	"iter"
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
	texts []fixed // lower case: every match of the expression at the same place holds it
	open  bool    // there is an expression without such a text: all is let through
}

// A fixed is a text to search for.
type fixed struct {
	text  string
	pairs []uint16 // of letters side by side
}

func newFixed(text string) fixed {
	f := fixed{text: text}
	for i := range len(text) - 1 {
		f.pairs = append(f.pairs, pairOf(text[i], text[i+1]))
	}
	return f
}

// pairOf is the place of two letters in a set of pairs. Others may share it.
func pairOf(a, b byte) uint16 { return (uint16(a)*37 + uint16(b)) % pairsMax }

const pairsMax = 4096

// pairs are those of one path: a text of which one is missing is not in the path,
// which is found out faster than by a search.
type pairs [pairsMax / 64]uint64

func pairsOf(path string) (set pairs) {
	for i := range len(path) - 1 {
		p := pairOf(path[i], path[i+1])
		set[p/64] |= 1 << (p % 64)
	}
	return set
}

// in reports whether path, of which set are the pairs, holds f.
func (f fixed) in(path string, set *pairs) bool {
	for _, p := range f.pairs {
		if set[p/64]&(1<<(p%64)) == 0 {
			return false
		}
	}
	return strings.Contains(path, f.text)
}

// newSieve is the sieve of patterns.
func newSieve(patterns []string) sieve {
	var s sieve
	for _, p := range patterns {
		re, err := syntax.Parse(p, syntax.Perl)
		if err != nil {
			s.open, s.texts = true, append(s.texts, fixed{})
			continue
		}
		text := fixedText(re.Simplify())
		s.texts = append(s.texts, newFixed(text))
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
	for range s.through(path) {
		return true
	}
	return false
}

// through gives the places of the expressions that have to be asked about path,
// which is ASCII.
func (s sieve) through(path string) iter.Seq[int] {
	return func(yield func(int) bool) {
		path := strings.ToLower(path)
		set := pairsOf(path)
		for i, f := range s.texts {
			if f.in(path, &set) && !yield(i) {
				return
			}
		}
	}
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
func isVendored(path string) bool {
	s := vendorPaths()
	if s.open || !isASCII(path) {
		return enry.IsVendor(path)
	}
	for i := range s.through(path) {
		if data.VendorMatchers[i].MatchString(path) {
			return true
		}
	}
	return false
}

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
	var s sieve
	for _, text := range []string{
		".idea/", "pods/", "carthage/build/", ".designer.", ".feature.cs", "node_modules/", "vendor/", "lock", "npm-shrinkwrap.json",
		".pnp.", "godeps/", ".zep.", ".toml.orig", "__generated__/", "_tlb.pas", "htmlcov/", ".sqlx/query-",
	} {
		s.texts = append(s.texts, newFixed(text))
	}
	return s
})
