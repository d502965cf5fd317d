package ingest

import (
	"testing"

	"github.com/go-enry/go-enry/v2"
)

// The short way to a language gives what the library gives.
func TestLanguageByContent(t *testing.T) {
	t.Parallel()

	heads := map[string]string{
		"nothing": "a text: of\nno language", "c++": "class A { public: int x; };\n", "objective-c": "@interface A : B\n@end\n",
		"emacs": "/* -*- mode: c++ -*- */\n", "vim": "# vim: set ft=ruby :\n", "vi": " vi: ft=perl:\n", "vi with a space": "\n// vi : ft=python :\n",
		"ex": "\tex: ft=sh:\n", "version": "vim600: ft=lisp:\n", "typescript": "export const a: string = 'b'\n", "xml": "<?xml version=\"1.0\"?>\n<TS version='2'/>",
		"matlab": "function y = f(x)\n% help\n", "prose": "The index : of all\n", "perl": "#!/usr/bin/perl\nuse strict;\n",
	}
	for name, head := range heads {
		for _, base := range []string{"a.h", "a.ts", "a.m", "a.pl", "a.md", "a.sql", "a.1", "a.v", "a.txt"} {
			if got, want := languageByContent(base, []byte(head)), enry.GetLanguage(base, []byte(head)); got != want {
				t.Errorf("%s in %s: got %q, want %q", name, base, got, want)
			}
		}
	}
}
