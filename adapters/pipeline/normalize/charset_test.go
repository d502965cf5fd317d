package normalize_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/confuse/data-connector/adapters/pipeline/normalize"
)

func TestDecode(t *testing.T) {
	t.Parallel()

	const german = "Die Größe der Äpfel, die schöne Müllerin und die Straße über den Flüssen.\n"
	russian := strings.Repeat("Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n", 4)
	japan := strings.Repeat("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n", 4)
	tests := map[string]struct {
		enc  encoding.Encoding
		text string
	}{
		"UTF-8":                    {encoding.Nop, german},
		"UTF-8 with a mark":        {unicode.UTF8BOM, german},
		"UTF-16 little endian":     {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), german + russian},
		"UTF-16 big endian":        {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), german + japan},
		"UTF-16 LE without a mark": {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), german},
		"UTF-16 BE without a mark": {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), german},
		"UTF-32":                   {utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), german},
		"Latin-1":                  {charmap.ISO8859_1, german},
		"Windows-1252":             {charmap.Windows1252, "It\u2019s \u201cquoted\u201d \u2013 caf\u00e9 d\u00e9j\u00e0 vu.\n"},
		"Windows-1251":             {charmap.Windows1251, russian},
		"KOI8-R":                   {charmap.KOI8R, russian},
		"Shift JIS":                {japanese.ShiftJIS, japan},
		"EUC-JP":                   {japanese.EUCJP, japan},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			data, err := tt.enc.NewEncoder().String(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := normalize.Decode([]byte(data))
			if err != nil || got != tt.text {
				t.Errorf("got %q, %v, want %q", got, err, tt.text)
			}
		})
	}
}

func TestDecodeLines(t *testing.T) {
	t.Parallel()

	if got, err := normalize.Decode([]byte("a\r\nb\rc\n\r\nd")); err != nil || got != "a\nb\nc\n\nd" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestDecodeBinary(t *testing.T) {
	t.Parallel()

	for name, data := range map[string]string{
		"zeros": strings.Repeat("\x00", 64), "small numbers": strings.Repeat("\x01\x00", 64), "a program": "\x7fELF\x02\x01\x01\x00\x00\x00",
	} {
		if got, err := normalize.Decode([]byte(data)); !errors.Is(err, normalize.ErrBinary) {
			t.Errorf("%s: got %q, %v, want that it is binary", name, got, err)
		}
	}
}
