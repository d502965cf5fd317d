package gitrepo

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// A Remote is a repository at its forge.
type Remote struct {
	URL string // https://host/path/of/repository.git
	// Ref is what is read: a branch or tag by its short name, "refs/...", or the
	// full id of a commit. Empty: the default branch, whichever that is.
	Ref string
	// Auth gives the token as it is now: it is asked for each run of git, and once
	// more after a refusal. nil: the repository is public.
	Auth func(ctx context.Context) (Auth, error)
	// LFS asks for the content behind LFS pointers. Else a pointer is an item
	// without content.
	LFS bool
}

// An Auth opens a repository.
type Auth struct {
	Username string
	Password domain.Secret
}

func (a Auth) header() string {
	return "Authorization: Basic " + a.encoded()
}

func (a Auth) encoded() string {
	return base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + string(a.Password)))
}

// A network is the one place that a run of git may reach.
type network struct {
	url     *url.URL
	auth    Auth
	address netip.Addr // pinned; zero: not
}

// CheckURL reports as an InvalidError what is wrong with the URL of a repository.
// The field is left to the caller.
func (c *Client) CheckURL(raw string) error {
	_, err := c.parseURL(raw)
	return err
}

func (c *Client) parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	allowed := "https://host/path"
	switch {
	case err != nil:
		return nil, &domain.InvalidError{Problem: "is not a URL", Allowed: allowed}
	case u.Scheme != "https" && (u.Scheme != "http" || !c.opt.AllowHTTP):
		return nil, &domain.InvalidError{Problem: fmt.Sprintf("has scheme %q", u.Scheme), Allowed: allowed}
	case u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return nil, &domain.InvalidError{Problem: "has other parts than host and path", Allowed: allowed}
	case strings.ContainsFunc(u.Path, control):
		return nil, &domain.InvalidError{Problem: "contains control characters", Allowed: allowed}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}, nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// reach prepares a run of git for remote, with the token of now.
func (c *Client) reach(ctx context.Context, remote Remote) (*network, error) {
	u, err := c.parseURL(remote.URL)
	if err != nil {
		return nil, fmt.Errorf("gitrepo: repository: %w", err)
	}
	n := &network{url: u}
	if remote.Auth != nil {
		if n.auth, err = remote.Auth(ctx); err != nil {
			return nil, err
		}
	}
	if c.opt.Resolve != nil {
		if n.address, err = c.opt.Resolve(ctx, u.Hostname(), n.port()); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *network) port() int {
	if port, err := strconv.Atoi(n.url.Port()); err == nil {
		return port
	}
	if n.url.Scheme == "http" {
		return 80
	}
	return 443
}

func (n *network) protocols() string {
	if n == nil {
		return ""
	}
	return n.url.Scheme
}

// settings are what git needs to reach n: the header goes to this one host, and
// nowhere else.
func (n *network) settings() []setting {
	if n == nil {
		return nil
	}
	s := []setting{{"protocol." + n.url.Scheme + ".allow", "always"}}
	if n.auth != (Auth{}) {
		s = append(s, setting{"http." + n.url.Scheme + "://" + n.url.Host + "/.extraHeader", n.auth.header()})
	}
	if n.address.IsValid() {
		address := n.address.String()
		if n.address.Is6() {
			address = "[" + address + "]"
		}
		s = append(s, setting{"http.curloptResolve", net.JoinHostPort(n.url.Hostname(), strconv.Itoa(n.port())) + ":" + address})
	}
	return s
}

var userinfo = regexp.MustCompile(`://[^/@\s]+@`)

// scrub takes the secret out of what git has written (I7).
func (n *network) scrub(text string) string {
	if n != nil && n.auth.Password != "" {
		text = strings.NewReplacer(n.auth.encoded(), "[hidden]", string(n.auth.Password), "[hidden]", url.QueryEscape(string(n.auth.Password)), "[hidden]").Replace(text)
	}
	return strings.TrimSpace(userinfo.ReplaceAllString(text, "://[hidden]@"))
}
