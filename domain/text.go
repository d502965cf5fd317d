package domain

import (
	"strings"
	"unicode/utf8"
)

// Clean replaces what the log does not take, NUL and each byte that is not valid
// UTF-8, by U+FFFD. Other text comes back as it is.
func Clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == 0 {
			return utf8.RuneError
		}
		return r // U+FFFD for a byte that is not UTF-8
	}, s)
}
