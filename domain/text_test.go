package domain_test

import (
	"testing"

	"github.com/confuse/data-connector/domain"
)

func TestClean(t *testing.T) {
	t.Parallel()

	tests := map[string]struct{ in, want string }{
		"plain text stays":              {"docs/r\u00e9sum\u00e9 \U0001f600.md", "docs/r\u00e9sum\u00e9 \U0001f600.md"},
		"empty":                         {"", ""},
		"the replacement itself stays":  {"a\ufffdb", "a\ufffdb"},
		"NUL":                           {"a\x00b", "a\ufffdb"},
		"each bad byte by itself":       {"a\xff\xfeb", "a\ufffd\ufffdb"},
		"a sequence cut short":          {"caf\xc3", "caf\ufffd"},
		"a surrogate in UTF-8 clothing": {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
		"other control characters stay": {"a\n\x01b", "a\n\x01b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := domain.Clean(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
