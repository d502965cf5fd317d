package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// maxDepth is how deep folders may lie in each other.
const maxDepth = 2048

// tree gives every file of a commit, in the byte order of the raw paths. It holds
// one at a time. A commit with too many files, or too deep ones, is ErrTooLarge.
func (r *repo) tree(ctx context.Context, commit string, take func(entry) error) error {
	return r.sound("ls-tree", r.entries(ctx, readTree, take, "ls-tree", "-r", "-l", "-z", "--full-tree", commit))
}

// sound is err, and the end of the repository if git could not read it.
func (r *repo) sound(what string, err error) error {
	var failed *commandError
	if errors.As(err, &failed) && failed.overMemory() {
		return fmt.Errorf("gitrepo: %s: %w: %w", what, domain.ErrTooLarge, err)
	}
	if failed != nil || errors.Is(err, errFormat) {
		return r.damaged(what, err)
	}
	return err
}

// entries runs a command that lists.
func (r *repo) entries(ctx context.Context, read reader, take func(entry) error, args ...string) error {
	p, err := r.client.start(ctx, command{dir: r.dir, args: args})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		e, err := read(p.out)
		if errors.Is(err, io.EOF) {
			return r.listed(ctx, args[0], p)
		}
		if err == nil {
			err = r.client.check(n, e)
		}
		if err == nil {
			err = take(e)
		}
		if err != nil {
			p.kill()
			return err
		}
	}
}

// listed is the end of a listing. A git that complains has met with damage, even
// where it goes on; one that was left out is no damage, and it says nothing.
func (r *repo) listed(ctx context.Context, what string, p *process) error {
	err := p.wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if text := p.errs.String(); err == nil && strings.Contains(text, "error:") {
		err = &commandError{text: text}
	}
	if err != nil {
		return fmt.Errorf("gitrepo: %s: %w", what, err)
	}
	return nil
}

func (c *Client) check(n int, e entry) error {
	switch {
	case n >= c.opt.MaxEntries:
		return fmt.Errorf("gitrepo: more than %d files in one commit: %w", c.opt.MaxEntries, domain.ErrTooLarge)
	case strings.Count(string(e.path), "/") > maxDepth:
		return fmt.Errorf("gitrepo: folders more than %d deep in each other: %w", maxDepth, domain.ErrTooLarge)
	}
	return nil
}
