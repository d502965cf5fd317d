package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/confuse/data-connector/domain"
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

// secrets are those that fit now: one, or two while one replaces the other.
type secrets []secret

// UnmarshalText reads a list with commas between. More than two are an error.
func (s *secrets) UnmarshalText(text []byte) error {
	*s = nil
	for one := range strings.SplitSeq(string(text), ",") {
		if one = strings.TrimSpace(one); one != "" {
			*s = append(*s, secret(one))
		}
	}
	if len(*s) > 2 {
		return errors.New("more than two secrets")
	}
	return nil
}

// String hides them all.
func (s secrets) String() string {
	if len(s) == 0 {
		return ""
	}
	return hidden
}

// LogValue hides them all.
func (s secrets) LogValue() slog.Value { return slog.StringValue(s.String()) }

// domain is s as the use cases take it.
func (s secrets) domain() []domain.Secret {
	all := make([]domain.Secret, len(s))
	for i, one := range s {
		all[i] = domain.Secret(one)
	}
	return all
}

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

// ofServer reports whether a is unset, or where a server of the web may be.
func (a address) ofServer() bool {
	u, err := url.Parse(string(a))
	return a == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// below reports whether a is of a domain.
func (a address) below(domain string) bool {
	u, err := url.Parse(string(a))
	return err == nil && strings.HasSuffix("."+strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), "."+domain)
}

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

// networks are where peers may be.
type networks []netip.Prefix

// UnmarshalText reads a list with commas between; an address is a network of one.
func (n *networks) UnmarshalText(text []byte) error {
	*n = nil
	for one := range strings.SplitSeq(string(text), ",") {
		one = strings.TrimSpace(one)
		if one == "" {
			continue
		}
		p, err := netip.ParsePrefix(one)
		if addr, bad := netip.ParseAddr(one); bad == nil {
			addr = addr.Unmap()
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return err
		}
		*n = append(*n, p.Masked())
	}
	return nil
}

func (n networks) String() string {
	words := make([]string, len(n))
	for i, p := range n {
		words[i] = p.String()
	}
	return strings.Join(words, ",")
}

// origins are those of pages in browsers.
type origins []string

// UnmarshalText reads a JSON array of texts, or a list with commas between.
func (o *origins) UnmarshalText(text []byte) error {
	*o = nil
	list := strings.Split(string(text), ",")
	if strings.HasPrefix(strings.TrimSpace(string(text)), "[") {
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
	}
	for _, one := range list {
		one = strings.TrimSpace(one)
		if one == "" {
			continue
		}
		if err := checkOrigin(one); err != nil {
			return err
		}
		*o = append(*o, one)
	}
	return nil
}

func (o origins) String() string { return strings.Join(o, ",") }

// checkOrigin refuses what no browser sends as an origin: it would match nothing.
func checkOrigin(s string) error {
	if s == "*" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || s != u.Scheme+"://"+u.Host || strings.Contains(s, "*") {
		return fmt.Errorf("%q is no origin", s)
	}
	return nil
}
