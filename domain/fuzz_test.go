package domain_test

import (
	"testing"

	"github.com/confuse/data-connector/domain"
)

// An id that is taken is written as it was read, in the one form that is stored.
func FuzzIDs(f *testing.F) {
	for _, seed := range []string{
		"01950000-0000-7000-8000-00000000000a", "01950000-0000-7000-8000-00000000000A", "{01950000-0000-7000-8000-00000000000a}",
		"urn:uuid:01950000-0000-7000-8000-00000000000a", "0195000000007000800000000000000a", "", "00000000-0000-0000-0000-000000000000", "\x00", "é",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := domain.ParseSourceID(text); err == nil {
			if again, err := domain.ParseSourceID(id.String()); err != nil || again != id {
				t.Errorf("source %q: read again %v, %v", text, again, err)
			}
		}
		if id, err := domain.ParseFileID(text); err == nil {
			if again, err := domain.ParseFileID(id.String()); err != nil || again != id {
				t.Errorf("file %q: read again %v, %v", text, again, err)
			}
		}
		if d, err := domain.ParseDigest(text); err == nil && d.String() != text {
			t.Errorf("digest %q is written as %q", text, d)
		}
	})
}

// Text that is cleaned is what a database takes, and stays as it is.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x00", "a\xffb", "\xed\xa0\x80", "\ufffd", "é\x00\xc3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := domain.Clean(text)
		if domain.Clean(clean) != clean {
			t.Errorf("%q: cleaned twice it is another text", text)
		}
	})
}
