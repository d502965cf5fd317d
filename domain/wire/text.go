package wire

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	notUTF8 = "is not valid UTF-8"
	hasNUL  = "holds a NUL character"
	lone    = "holds half of a surrogate pair"
)

// A text is what one pass over JSON saw that a database does not take.
type text struct {
	invalid  bool // bytes that are not UTF-8
	nul      bool // \u0000, which is legal JSON
	lone     bool // \ud800 without its other half, or the other way round
	replaced int  // \ufffd written as an escape
}

func (t text) problem() string {
	switch {
	case t.invalid:
		return notUTF8
	case t.nul:
		return hasNUL
	case t.lone:
		return lone
	}
	return ""
}

// scan looks at the escapes of JSON text, which need not be valid JSON.
func scan(value []byte) text {
	t := text{invalid: !utf8.Valid(value)}
	var high bool // the escape just before was the first half of a pair
	for len(value) > 0 {
		i := bytes.IndexByte(value, '\\')
		if i < 0 || i+1 >= len(value) {
			break
		}
		t.lone = t.lone || high && i > 0
		high = high && i == 0
		if value[i+1] != 'u' {
			t.lone, high = t.lone || high, false
			value = value[i+2:]
			continue
		}
		r, ok := hex4(value[i+2:])
		if !ok {
			break
		}
		high = t.escape(r, high)
		value = value[i+6:]
	}
	t.lone = t.lone || high
	return t
}

// escape takes one escape of four digits and says whether it is the first half of a pair.
func (t *text) escape(r rune, afterHigh bool) bool {
	first := r >= 0xd800 && r < 0xdc00
	second := utf16.IsSurrogate(r) && !first
	t.lone = t.lone || afterHigh != second
	t.nul = t.nul || r == 0
	if r == utf8.RuneError {
		t.replaced++
	}
	return first
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n), err == nil
}
