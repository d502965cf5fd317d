package gitrepo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// A Head is what a ref of a remote is now.
type Head struct {
	Ref    string // its full name, "refs/heads/main"; "HEAD" of a default that is no branch; empty for a fixed commit
	Commit string // id, 40 or 64 hex digits; empty: the repository is empty
}

// Branch is the short name of a branch or tag; else Ref as it is.
func (h Head) Branch() string {
	return strings.TrimPrefix(strings.TrimPrefix(h.Ref, "refs/heads/"), "refs/tags/")
}

// Head asks the remote what its ref is now: one request, or one run of ls-remote
// where there is no HTTP client or the server does not take it. An empty repository has a Head without commit. ErrGone: there is no such repository, or
// others but not this ref in it.
func (c *Client) Head(ctx context.Context, remote Remote) (Head, error) {
	if c.refused != nil {
		return Head{}, c.refused
	}
	if err := CheckRef(remote.Ref); err != nil {
		return Head{}, err
	}
	if isID(remote.Ref) {
		return Head{Commit: remote.Ref}, nil
	}
	refs, err := c.list(ctx, remote, wanted(remote.Ref)...)
	if err != nil {
		return Head{}, err
	}
	if h, ok := refs.head(remote.Ref); ok {
		return h, nil
	}
	all, err := c.list(ctx, remote)
	switch {
	case err != nil:
		return Head{}, err
	case len(all.ids) == 0 && !all.smart: // any empty answer reads as a list without refs
		return Head{}, fmt.Errorf("gitrepo: ask for refs: the server does not speak git's smart protocol: %w", domain.ErrTransient)
	case len(all.ids) == 0:
		return Head{}, nil
	}
	name := remote.Ref
	if name == "" {
		name = "default branch"
	}
	return Head{}, fmt.Errorf("gitrepo: %s of the repository does not exist: %w", name, domain.ErrGone)
}

// wanted are the names under which a ref may be listed.
func wanted(ref string) []string {
	switch {
	case ref == "":
		return []string{"HEAD"}
	case strings.HasPrefix(ref, "refs/"):
		return []string{ref, ref + "^{}"}
	}
	return []string{"refs/heads/" + ref, "refs/tags/" + ref, "refs/tags/" + ref + "^{}"}
}

// CheckRef reports as an InvalidError what git would not take for the name of a
// branch, a tag or a commit, and what it would take for an option or pattern.
func CheckRef(ref string) error {
	bad := strings.HasPrefix(ref, "-") || strings.HasPrefix(ref, "/") || strings.HasSuffix(ref, "/") ||
		strings.HasSuffix(ref, ".") || strings.ContainsFunc(ref, control) || len(ref) > 1024
	for _, part := range []string{"..", "//", "@{", "/.", ".lock/", " ", "~", "^", ":", "?", "*", "[", "\\"} {
		bad = bad || strings.Contains(ref+"/", part)
	}
	if bad && ref != "" || strings.HasPrefix(ref, ".") {
		return &domain.InvalidError{Problem: fmt.Sprintf("%q is not the name of a ref", ref), Allowed: "a branch, a tag or the full id of a commit"}
	}
	return nil
}

func isID(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// A refList is what ls-remote has listed.
type refList struct {
	ids     map[string]string
	symbols map[string]string // HEAD: refs/heads/main
	smart   bool              // the server was seen to speak the smart protocol; told of a list of all refs only
}

func (l refList) head(ref string) (Head, bool) {
	if ref == "" {
		h := Head{Ref: "HEAD", Commit: l.ids["HEAD"]}
		if to, ok := l.symbols["HEAD"]; ok {
			h.Ref = to
		}
		return h, h.Commit != ""
	}
	for _, name := range wanted(ref) {
		if id, ok := l.ids[name]; ok && !strings.HasSuffix(name, "^{}") {
			if peeled, ok := l.ids[name+"^{}"]; ok { // an annotated tag
				id = peeled
			}
			return Head{Ref: name, Commit: id}, true
		}
	}
	return Head{}, false
}

// list asks for refs, once more when the token has expired.
func (c *Client) list(ctx context.Context, remote Remote, names ...string) (refList, error) {
	l, err := c.listOnce(ctx, remote, names)
	if again(ctx, err) && remote.Auth != nil {
		l, err = c.listOnce(ctx, remote, names)
	}
	return l, err
}

// listOnce lists the refs with these names, or all of them.
func (c *Client) listOnce(ctx context.Context, remote Remote, names []string) (refList, error) {
	if l, err := c.smart(ctx, remote, names); !errors.Is(err, errNotSmart) {
		return l, err
	}
	n, err := c.reach(ctx, remote)
	if err != nil {
		return refList{}, err
	}
	p, err := c.start(ctx, command{net: n, packets: len(names) == 0, args: append([]string{"ls-remote", "--quiet", "--symref", "--", n.url.String()}, names...)})
	if err != nil {
		return refList{}, err
	}
	l, err := c.readRefs(p.out)
	if err != nil {
		p.kill()
		return refList{}, first(context.Cause(ctx), err)
	}
	err = c.classify("ask for refs", p.wait())
	l.smart = strings.Contains(p.errs.String(), " packet: ")
	return l, err
}

func (c *Client) readRefs(r *bufio.Reader) (refList, error) {
	l := refList{ids: map[string]string{}, symbols: map[string]string{}}
	for n := 0; ; n++ {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil || n > c.opt.MaxRefs || len(line) > 8<<10 {
			return l, fmt.Errorf("gitrepo: ask for refs: more than %d refs: %w", c.opt.MaxRefs, first(err, domain.ErrTooLarge))
		}
		id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if to, ok := strings.CutPrefix(id, "ref: "); ok {
			l.symbols[name] = to
		} else if isID(id) {
			l.ids[name] = id
		}
	}
}
