package normalize

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

const (
	// looked is how much of a text is looked at for its encoding.
	looked = 64 << 10
	// sure is from where on the detector is believed.
	sure = 0.5
)

// Decode makes UTF-8 with LF line ends of text in whatever encoding. ErrBinary: it
// is no text.
func Decode(data []byte) (string, error) {
	enc, err := encodingOf(data)
	if err != nil {
		return "", err
	}
	if enc != nil {
		if data, err = enc.NewDecoder().Bytes(data); err != nil {
			return "", ErrBinary
		}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(data) > MaxText {
		return "", ErrTooLarge
	}
	return clean(string(data)), nil
}

// clean is s as every neighbour takes it.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// encodingOf tells the encoding of a text; nil: UTF-8.
func encodingOf(data []byte) (encoding.Encoding, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")):
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), nil
	case bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM), nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), nil
	}
	head := data[:min(len(data), looked)]
	if bytes.IndexByte(head, 0) >= 0 {
		return wide(head)
	}
	if utf8.Valid(data) {
		return nil, nil
	}
	if found := chardet.Detect(head); found.Confidence >= sure {
		if enc, err := htmlindex.Get(found.Encoding); err == nil && !isUTF8(enc) {
			return enc, nil
		}
	}
	return charmap.Windows1252, nil // Latin-1 and more; every byte means something
}

func isUTF8(enc encoding.Encoding) bool {
	name, err := htmlindex.Name(enc)
	return err == nil && name == "utf-8"
}

// wide tells UTF-16 without a mark, where one byte of most pairs is zero, from
// bytes that are no text.
func wide(head []byte) (encoding.Encoding, error) {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	pairs := len(head) / 2
	switch {
	case zeros[1] > pairs*3/4 && zeros[0] == 0 && plain(head, binary.LittleEndian):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), nil
	case zeros[0] > pairs*3/4 && zeros[1] == 0 && plain(head, binary.BigEndian):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), nil
	}
	return nil, ErrBinary
}

// plain tells whether there are no control characters but white space: small
// numbers in a row look like UTF-16 too.
func plain(head []byte, order binary.ByteOrder) bool {
	for i := 0; i+1 < len(head); i += 2 {
		if c := order.Uint16(head[i:]); c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' {
			return false
		}
	}
	return len(head) > 1
}
