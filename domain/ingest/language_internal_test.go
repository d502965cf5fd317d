package ingest

import (
	"math/rand/v2"
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
		"miniyaml": "a:\n\t\tb: c\n", "a tab and no name": "a:\n\t : : :\n", "a tab and no colon": "a: b\n\tb c\n", "openapi": "openapi: '3.0.1'\n",
		"swagger": "x: y\nswagger: \"2.0\"\n", "a name over two lines": "\ta\nb: c", "a carriage return": "\t\r:\ra:",
	}
	for name, head := range heads {
		for _, base := range []string{"a.h", "a.ts", "a.m", "a.pl", "a.md", "a.sql", "a.1", "a.v", "a.txt", "a.yaml", "A.YML"} {
			if got, want := languageByContent(base, []byte(head)), enry.GetLanguage(base, []byte(head)); got != want {
				t.Errorf("%s in %s: got %q, want %q", name, base, got, want)
			}
		}
	}
}

// Whatever stands in a YAML file, the short way says what the library says.
func TestPlainYAML(t *testing.T) {
	t.Parallel()

	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{"\t", "\n", " ", ":", "a", "\r", "\f", "'", "<?xml", "#!", "swagger:", "openapi: 3.1", "\u00e9", "\xff", "\v"}
	for range 5000 {
		var head []byte
		for range random.IntN(12) {
			head = append(head, pieces[random.IntN(len(pieces))]...)
		}
		if got, want := languageByContent("a.yaml", head), enry.GetLanguage("a.yaml", head); got != want {
			t.Fatalf("seed %d: %q: got %q, want %q", seed, head, got, want)
		}
	}
}
