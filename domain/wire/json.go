package wire

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// A JSON writes what encoding/json writes without escaping HTML, several times as
// fast, for the few values that there are millions of. Its user puts the braces,
// names and commas: each method writes them before its value, as they are given.
// The zero JSON is ready for use.
type JSON struct {
	B   []byte // what was written
	Err error  // the first one: the value is none that encoding/json writes
}

// Raw writes text as it is.
func (w *JSON) Raw(text string) { w.B = append(w.B, text...) }

// Number writes n.
func (w *JSON) Number(before string, n int64) {
	w.B = strconv.AppendInt(append(w.B, before...), n, 10)
}

// Some is Text, but for an empty s it writes nothing at all.
func (w *JSON) Some(before, s string) {
	if s != "" {
		w.Text(before, s)
	}
}

// Text leaves whatever needs an escape or is not ASCII to encoding/json.
func (w *JSON) Text(before, s string) {
	w.B = append(append(w.B, before...), '"')
	from := len(w.B)
	w.B = append(w.B, s...)
	if isPlain(w.B[from:]) {
		w.B = append(w.B, '"')
		return
	}
	w.B = w.B[:from-1]
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	w.Err = cmp.Or(w.Err, enc.Encode(s))
	w.B = append(w.B, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// Time refuses what encoding/json refuses: a year of five digits, say.
func (w *JSON) Time(before string, t time.Time) {
	w.B = append(append(w.B, before...), '"')
	text, err := t.AppendText(w.B)
	if err != nil {
		w.Err = cmp.Or(w.Err, err)
		return
	}
	w.B = append(text, '"')
}

// Bytes writes b in base64.
func (w *JSON) Bytes(before string, b []byte) {
	w.B = append(append(w.B, before...), '"')
	w.B = append(base64.StdEncoding.AppendEncode(w.B, b), '"')
}

// Texts writes all as an object, in the order of its names. A nil one is {}.
func (w *JSON) Texts(before string, all map[string]string) {
	w.B = append(append(w.B, before...), '{')
	var few [8]string // most files have fewer
	names := few[:0]
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			w.B = append(w.B, ',')
		}
		w.Text("", name)
		w.Text(":", all[name])
	}
	w.B = append(w.B, '}')
}

// isPlain reports whether the JSON of s is s in quotes: printable ASCII but for quotes
// and backslashes. It looks at eight bytes at a time.
func isPlain(s []byte) bool {
	for ; len(s) >= 8; s = s[8:] {
		x := binary.LittleEndian.Uint64(s)
		if (x|(x-eight*' ')|less1(x^eight*'"')|less1(x^eight*'\\')|less1(x^eight*0x7f))&(eight<<7) != 0 {
			return false
		}
	}
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

// eight times a byte is eight of it.
const eight = 0x0101010101010101

// less1 sets the high bit of each byte of x that is zero, and of no other one below
// 0x80 unless a byte before it is zero.
func less1(x uint64) uint64 { return x - eight }
