package wire_test

import (
	"testing"

	"github.com/confuse/data-connector/domain/wire"
)

func BenchmarkEncode(b *testing.B) {
	m := samples()["file_added"]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Encode(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeMany(b *testing.B) {
	m := samples()["file_added"]
	b.ReportAllocs()
	var c wire.Encoder
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 { // a page
			c.Reset()
		}
		if _, err := c.Encode(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	headers, value := golden(b, "testdata/file_added.golden")
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	for b.Loop() {
		if _, err := wire.Decode(headers, value); err != nil {
			b.Fatal(err)
		}
	}
}
