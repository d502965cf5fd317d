package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
)

const hidden = "[hidden]"

// A secret is shown nowhere.
type secret string

// String hides s, if there is something to hide.
func (s secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// LogValue hides s.
func (s secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// An address is a URL whose password is shown nowhere.
type address string

// String is a with the password hidden; all of it when it is no URL or has
// parameters, which may be secrets too.
func (a address) String() string {
	u, err := url.Parse(string(a))
	if err != nil || u.Scheme == "" {
		return secret(a).String()
	}
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	if _, ok := u.User.Password(); ok {
		u.User = url.UserPassword(u.User.Username(), "hidden")
	}
	return u.String()
}

// LogValue hides the password.
func (a address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// scheme is what stands before the colon, "" if nothing does.
func (a address) scheme() string {
	u, err := url.Parse(string(a))
	if err != nil {
		return ""
	}
	return u.Scheme
}

// paths are absolute folders.
type paths []string

// UnmarshalText reads a list with colons or commas between. A path that is not
// absolute is an error.
func (p *paths) UnmarshalText(text []byte) error {
	*p = nil
	for _, one := range strings.FieldsFunc(string(text), func(r rune) bool { return r == ':' || r == ',' }) {
		one = strings.TrimSpace(one)
		if one == "" {
			continue
		}
		if !filepath.IsAbs(one) {
			return fmt.Errorf("%q is not absolute", one)
		}
		*p = append(*p, filepath.Clean(one))
	}
	return nil
}

func (p paths) String() string { return strings.Join(p, ":") }
